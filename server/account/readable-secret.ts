// Secrets that people read off a screen and type.
import { randomBytes } from 'node:crypto'

/** Letters and digits that are not mistaken for one another: just under 5 bits each. */
const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789'

/** `letters` random letters and digits, a multiple of five, in groups of five. */
export function readableSecret(letters: number): string {
  let text = ''
  while (text.length < letters) {
    for (const byte of randomBytes(32)) {
      // Bytes past the last whole multiple would make the first letters likelier.
      if (byte < 248 && text.length < letters) text += alphabet[byte % alphabet.length]
    }
  }
  return text.match(/.{5}/g)!.join('-')
}
