// Files of sections and `key = value` lines: QTS's settings, Samba's shares, os-release.

/** Sections in the order of the file; the lines before the first section are section ``. */
export type IniFile = Map<string, Map<string, string>>

/** Reads what can be read: a line that is none of section, key or comment is left out. Of equal keys the first counts. */
export function parseIni(text: string): IniFile {
  const file: IniFile = new Map()
  let section = sectionOf(file, '')
  for (const rawLine of text.split('\n')) {
    const line = rawLine.trim()
    if (line === '' || line.startsWith('#') || line.startsWith(';')) continue
    const header = /^\[(.*)\]$/.exec(line)
    if (header !== null) {
      section = sectionOf(file, header[1]!.trim())
      continue
    }
    const equals = line.indexOf('=')
    const key = line.slice(0, equals).trim()
    if (equals > 0 && !section.has(key)) section.set(key, line.slice(equals + 1).trim())
  }
  return file
}

function sectionOf(file: IniFile, name: string): Map<string, string> {
  const section = file.get(name) ?? new Map<string, string>()
  file.set(name, section)
  return section
}

/** A key's value, whatever its capitals; an empty one counts as none. */
export function iniValue(section: Map<string, string> | undefined, key: string): string | undefined {
  const exact = section?.get(key)
  const value = exact ?? [...(section ?? [])].find(([name]) => name.toLowerCase() === key.toLowerCase())?.[1]
  return value === '' ? undefined : value
}

/** How these files say yes and no. Undefined for anything else. */
export function iniFlag(value: string | undefined): boolean | undefined {
  const word = value?.trim().toLowerCase() ?? ''
  if (['1', 'yes', 'true', 'on'].includes(word)) return true
  if (['0', 'no', 'false', 'off'].includes(word)) return false
  return undefined
}
