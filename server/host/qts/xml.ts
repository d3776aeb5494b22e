// Reads XML as QTS's programs answer it: elements, text, CDATA and the five named references of XML 1.0.
import { Failure } from '../../../shared/failure.ts'

export interface XmlElement {
  name: string
  /** Its own text, all pieces joined, without white space around it. */
  text: string
  children: XmlElement[]
}

/** Deeper answers are none of QTS's. */
const maxDepth = 40

const named: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

/** One piece: comment or instruction, CDATA, tag, or text. A document type is no piece: entities are not expanded. */
const piece =
  /<!--[\s\S]*?-->|<\?[\s\S]*?\?>|<!\[CDATA\[([\s\S]*?)\]\]>|<(\/?)([A-Za-z_][\w.:-]*)((?:\s+[\w.:-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>|([^<]+)/y

/**
 * The root element of a document. Attributes are checked for form and left out.
 *
 * Fails `corrupt` where it is not well-formed: an answer that was cut short, or a page of HTML.
 */
export function parseXml(document: string): XmlElement {
  const top: XmlElement = { name: '', text: '', children: [] }
  const open = [top]
  const wrong = (finding: string) => new Failure('corrupt', `read XML: ${finding} at character ${piece.lastIndex}`)
  piece.lastIndex = 0
  for (let at = 0; at < document.length; at = piece.lastIndex) {
    const match = piece.exec(document)
    piece.lastIndex = match === null ? at : piece.lastIndex
    if (match === null) throw wrong('neither tag nor text')
    const [, data, slash, name, , selfClosing, text] = match
    const current = open.at(-1)!
    if (data !== undefined) current.text += data
    else if (text !== undefined) current.text += unescapeReferences(text)
    else if (name === undefined) continue
    else if (slash === '/') {
      if (open.length === 1 || current.name !== name) throw wrong(`</${name}> where <${current.name}> is open`)
      current.text = current.text.trim()
      open.pop()
    } else {
      const element: XmlElement = { name, text: '', children: [] }
      current.children.push(element)
      if (selfClosing !== '/') open.push(element)
      if (open.length > maxDepth) throw wrong(`more than ${maxDepth} elements in one another`)
    }
  }
  if (open.length > 1) throw wrong(`<${open.at(-1)!.name}> is not closed`)
  if (top.children.length !== 1 || top.text.trim() !== '') throw wrong('not one root element')
  return top.children[0]!
}

/** The first element of that name below `element`, at any depth, in document order. */
export function firstOf(element: XmlElement | undefined, name: string): XmlElement | undefined {
  for (const child of element?.children ?? []) {
    const match = child.name === name ? child : firstOf(child, name)
    if (match !== undefined) return match
  }
  return undefined
}

/** Its text; empty where there is no such element. */
export function textOf(element: XmlElement | undefined, name: string): string {
  return firstOf(element, name)?.text ?? ''
}

/** All children of that name of the first `parentName` below `element`. */
export function childrenOf(element: XmlElement, parentName: string, name: string): XmlElement[] {
  return (firstOf(element, parentName)?.children ?? []).filter((child) => child.name === name)
}

function unescapeReferences(text: string): string {
  return text.replace(
    /&(?:#(\d+)|#x([\da-f]+)|(\w+));/gi,
    (reference, decimal?: string, hex?: string, name?: string) => {
      if (name !== undefined) return named[name] ?? reference
      const code = Number.parseInt(decimal ?? hex!, decimal === undefined ? 16 : 10)
      return code <= 0x10ffff ? String.fromCodePoint(code) : reference
    },
  )
}
