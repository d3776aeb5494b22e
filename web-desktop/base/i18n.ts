// The words shown. Each element keeps all of its own in one table, given to `wordsOf`: a catalogue of another language
// can then take their place without the elements knowing.

/** One text, or the forms a number takes in it (`{n}` stands for the number). */
export type Words = string | { one: string; other: string }

type Values = Record<string, string | number>

const plural = new Intl.PluralRules('en')
const number = new Intl.NumberFormat('en')

/**
 * Makes the `t` of one element: `t('removeAsk', { name })` gives the text of that key with `{name}` filled in.
 *
 * A table of forms is chosen from by the value `n`.
 */
export function wordsOf<K extends string>(table: Record<K, Words>): (key: K, values?: Values) => string {
  return (key, values = {}) => {
    const words = table[key]
    const text = typeof words === 'string' ? words : plural.select(Number(values.n)) === 'one' ? words.one : words.other
    return text.replace(/\{(\w+)\}/g, (_all, name: string) => {
      const value = values[name]
      return typeof value === 'number' ? number.format(value) : (value ?? '')
    })
  }
}
