// Every colour and space of the desktop, in two themes. A test holds the contrast of the pairs listed below.

/** The names of the colours; `--nj-<name>` in style sheets. */
export interface Palette {
  /** Windows, and what lies in them. */
  surface: string
  surface2: string
  surface3: string
  border: string
  /** Outline of controls: 3:1 against the surface (WCAG 1.4.11). */
  control: string
  text: string
  text2: string
  accent: string
  accentText: string
  /** A chosen row, under `text`. */
  chosen: string
  ok: string
  warn: string
  bad: string
  badFill: string
  badText: string
  focus: string
  /** Task bar. */
  bar: string
  barHover: string
  barText: string
  /** Title bar of the window in front, and of those behind. */
  title: string
  titleBack: string
  titleText: string
  titleBackText: string
  /** Recorded footage on a timeline, and what a gap is shown in. */
  footage: string
  gap: string
}

export const light: Palette = {
  surface: '#ffffff',
  surface2: '#f4f6fa',
  surface3: '#e8ecf4',
  border: '#d6dce7',
  control: '#7d899c',
  text: '#17202e',
  text2: '#4c586b',
  accent: '#1d5bd0',
  accentText: '#ffffff',
  chosen: '#dce8fd',
  ok: '#12703a',
  warn: '#855000',
  bad: '#b3261e',
  badFill: '#b3261e',
  badText: '#ffffff',
  focus: '#1d5bd0',
  bar: '#101a2d',
  barHover: '#26344f',
  barText: '#eaf0fa',
  title: '#e3eaf6',
  titleBack: '#f1f3f7',
  titleText: '#17202e',
  titleBackText: '#5a6577',
  footage: '#2f74e8',
  gap: '#c0392b',
}

export const dark: Palette = {
  surface: '#171d29',
  surface2: '#1d2533',
  surface3: '#283243',
  border: '#344054',
  control: '#76849b',
  text: '#e9eef7',
  text2: '#aab6c9',
  accent: '#82b1ff',
  accentText: '#0b1a33',
  chosen: '#263c63',
  ok: '#62d38f',
  warn: '#f2b854',
  bad: '#ff8f86',
  badFill: '#c2362c',
  badText: '#ffffff',
  focus: '#8fb9ff',
  bar: '#0a101b',
  barHover: '#222e44',
  barText: '#e9eef7',
  title: '#26324a',
  titleBack: '#1f2735',
  titleText: '#e9eef7',
  titleBackText: '#a3afc2',
  footage: '#4f8ff7',
  gap: '#ff7d70',
}

/** Text and what it stands on (4.5:1), and marks that are not text (3:1). */
export const textPairs: [keyof Palette, keyof Palette][] = [
  ...(['text', 'text2', 'accent', 'ok', 'warn', 'bad'] as const).flatMap((ink): [keyof Palette, keyof Palette][] => [
    [ink, 'surface'],
    [ink, 'surface2'],
  ]),
  ['text', 'surface3'],
  ['text2', 'surface3'],
  ['text', 'chosen'],
  ['text2', 'chosen'],
  ['ok', 'chosen'],
  ['bad', 'chosen'],
  ['warn', 'chosen'],
  ['accentText', 'accent'],
  ['badText', 'badFill'],
  ['barText', 'bar'],
  ['barText', 'barHover'],
  ['titleText', 'title'],
  ['titleBackText', 'titleBack'],
]
export const markPairs: [keyof Palette, keyof Palette][] = [
  ['control', 'surface'],
  ['control', 'surface2'],
  ['focus', 'surface'],
  ['focus', 'surface2'],
  ['footage', 'surface2'],
  ['gap', 'surface2'],
]

function declarations(palette: Palette): string {
  return Object.entries(palette)
    .map(([name, value]) => `--nj-${name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}:${value};`)
    .join('')
}

/** The style sheet of the page: colours by theme, `data-theme` on the root wins over what the system prefers. */
export const tokenSheet = `
:root{color-scheme:light;--nj-bar-height:44px;--nj-title-height:38px;--nj-radius:10px;${declarations(light)}}
@media (prefers-color-scheme:dark){:root:not([data-theme=light]){color-scheme:dark;${declarations(dark)}}}
:root[data-theme=dark]{color-scheme:dark;${declarations(dark)}}
`
