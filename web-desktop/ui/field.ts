import { html, nothing, type TemplateResult } from 'lit'
import { ifDefined } from 'lit/directives/if-defined.js'
import { live } from 'lit/directives/live.js'
import circleAlert from 'lucide-static/icons/circle-alert.svg'
import './nj-icon.ts'

export interface FieldOptions {
  /** Unique within the element; also the `name` of the input and the dotted path a Failure calls it by. */
  name: string
  label: string
  value: string
  onInput: (value: string) => void
  type?: 'text' | 'password' | 'number' | 'search' | 'datetime-local'
  hint?: string | undefined
  error?: string | undefined
  autocomplete?: string
  placeholder?: string
  maxLength?: number
  isRequired?: boolean
  isDisabled?: boolean
  spellcheck?: boolean
  step?: string
}

/** A labelled input with its hint and its error, all in the caller's own root so that the references between them hold. */
export function field(options: FieldOptions): TemplateResult {
  const { name, hint, error } = options
  const described = [error ? `${name}-error` : '', hint ? `${name}-hint` : ''].filter(Boolean).join(' ')
  return html`<div class="field">
    <label for=${name}>${options.label}</label>
    <input
      id=${name}
      name=${name}
      type=${options.type ?? 'text'}
      .value=${live(options.value)}
      autocomplete=${options.autocomplete ?? 'off'}
      autocapitalize="off"
      spellcheck="false"
      placeholder=${ifDefined(options.placeholder)}
      maxlength=${ifDefined(options.maxLength)}
      step=${ifDefined(options.step)}
      ?required=${options.isRequired}
      ?disabled=${options.isDisabled}
      aria-invalid=${error ? 'true' : 'false'}
      aria-describedby=${described === '' ? nothing : described}
      @input=${(event: InputEvent) => options.onInput((event.target as HTMLInputElement).value)}
    />
    ${hint ? html`<span class="hint" id=${`${name}-hint`}>${hint}</span>` : nothing} ${errorLine(`${name}-error`, error)}
  </div>`
}

/** A message under what it is about, or nothing. */
export function errorLine(id: string, error: string | undefined): TemplateResult | typeof nothing {
  if (!error) return nothing
  return html`<span class="error" id=${id} role="alert"><nj-icon .svg=${circleAlert}></nj-icon>${error}</span>`
}

/** Moves to the first field that is marked as wrong, once it is rendered. */
export function focusFirstError(root: ParentNode): void {
  root.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus()
}
