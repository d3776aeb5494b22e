import { noChange } from 'lit'
import { Directive, directive, type ElementPart, type PartInfo, PartType } from 'lit/directive.js'

/**
 * Styles one element through the CSSOM: `<div ${styled({ left: '4px', '--nj-share': '0.4' })}>`.
 *
 * A `style` attribute, which `styleMap` writes at its first render, is forbidden by the server's content policy.
 */
class Styled extends Directive {
  #names = new Set<string>()

  constructor(info: PartInfo) {
    super(info)
    if (info.type !== PartType.ELEMENT) throw new Error('styled: stands alone in a tag')
  }

  render(_styles: Record<string, string | undefined>): typeof noChange {
    return noChange
  }

  override update(part: ElementPart, [styles]: [Record<string, string | undefined>]): typeof noChange {
    const { style } = part.element as HTMLElement
    for (const name of this.#names) if (styles[name] === undefined) style.removeProperty(name)
    this.#names = new Set(Object.keys(styles))
    for (const [name, value] of Object.entries(styles)) if (value !== undefined) style.setProperty(name, value)
    return noChange
  }
}

export const styled = directive(Styled)
