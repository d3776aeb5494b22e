import assert from 'node:assert/strict'
import fc from 'fast-check'
import { childrenOf, firstOf, parseXml, textOf } from '../../../../server/host/qts/xml.ts'

describe('xml', () => {
  it('is elements with their text and CDATA', () => {
    const root = parseXml(
      '<?xml version="1.0" encoding="UTF-8" ?>\n<QDocRoot version="1.0">\n' +
        '<a><![CDATA[1 < 2 ]]></a><!-- <b>no</b> --><list><row><n>1</n></row><row><n>2</n></row><other/></list></QDocRoot>',
    )

    assert.equal(root.name, 'QDocRoot')
    assert.equal(textOf(root, 'a'), '1 < 2')
    assert.deepEqual(
      childrenOf(root, 'list', 'row').map((row) => textOf(row, 'n')),
      ['1', '2'],
    )
    assert.deepEqual(firstOf(root, 'other'), { name: 'other', text: '', children: [] })
    assert.equal(textOf(root, 'b'), '')
  })

  it('resolves references in text, and none in CDATA', () => {
    const root = parseXml('<r><a>&lt;&amp;&#65;&#x42;&quot;&apos;&gt;</a><b><![CDATA[&amp;]]></b><c>&other;</c></r>')

    assert.deepEqual(
      ['a', 'b', 'c'].map((name) => textOf(root, name)),
      ['<&AB"\'>', '&amp;', '&other;'],
    )
  })

  const wrong: [what: string, text: string][] = [
    ['nothing', ''],
    ['text alone', 'Internal error'],
    ['an answer cut short', '<QDocRoot><authPassed><![CDATA[1]]></authPassed><authSid>abc'],
    ['an answer cut within CDATA', '<QDocRoot><authPassed><![CDATA[1'],
    ['a page of HTML', '<html><body><p>Starting up<br></body></html>'],
    ['a document type', '<!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/shadow">]><r>&e;</r>'],
    ['two roots', '<a/><b/>'],
    ['elements that overlap', '<a><b></a></b>'],
    ['an end alone', '</a>'],
    ['what is nested without end', '<a>'.repeat(50) + '</a>'.repeat(50)],
  ]
  for (const [what, text] of wrong) {
    it(`refuses ${what}`, () => {
      assert.throws(() => parseXml(text), { kind: 'corrupt' })
    })
  }

  it('gives any text back that was put into CDATA', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        fc.pre(!text.includes(']]>'))

        assert.equal(textOf(parseXml(`<r><a><![CDATA[${text}]]></a></r>`), 'a'), text.trim())
      }),
    )
  })
})
