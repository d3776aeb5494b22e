import assert from 'node:assert/strict'
import { startTestApp, type TestApp } from '../../support/test-app.ts'

interface Operation {
  operationId: string
  summary: string
  parameters?: { name: string; in: string; required?: boolean }[]
  requestBody?: { content: Record<string, { schema: unknown }> }
  responses: Record<string, { description: string }>
}

interface Document {
  openapi: string
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, unknown> }
}

describe('openapi.json', () => {
  let test: TestApp
  let document: Document

  before(async () => {
    test = await startTestApp()
    document = (await test.client().get<Document>('api/openapi.json')).body
  })
  after(() => test.close())

  it('describes every route, each under a name of its own', () => {
    const described = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method} ${path}`),
    )
    const routes = test.app.routes.map(({ spec }) => `${spec.method} /${spec.path.replace(/:(\w+)/g, '{$1}')}`)

    assert.match(document.openapi, /^3\.1\./)
    assert.deepEqual(described.sort(), routes.sort())
    const ids = operations(document).map(({ operationId }) => operationId)
    assert.equal(new Set(ids).size, ids.length)
  })

  it('names every part of a path as a parameter that must be there', () => {
    for (const [path, item] of Object.entries(document.paths)) {
      const parts = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort()
      for (const operation of Object.values(item)) {
        const named = (operation.parameters ?? []).filter((one) => one.in === 'path')
        assert.deepEqual(named.map((one) => one.name).sort(), parts, path)
        assert.ok(named.every((one) => one.required === true))
      }
    }
  })

  it('has a summary, a success and a failure for every route', () => {
    for (const operation of operations(document)) {
      const statuses = Object.keys(operation.responses)
      assert.ok(operation.summary.length > 10)
      assert.ok(statuses.some((status) => status.startsWith('2')))
      assert.ok(statuses.includes('default'))
      for (const { description } of Object.values(operation.responses)) assert.ok(description.length > 0)
    }
  })

  it('refers to no schema that is not there', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map((match) => match[1]!)

    assert.ok(references.length > 20)
    for (const reference of references) {
      assert.match(reference, /^#\/components\/schemas\//)
      assert.ok(reference.split('/').at(-1)! in document.components.schemas, reference)
    }
  })

  it('says the limits that the server holds', () => {
    const draft = document.paths['/api/cameras']!['post']!.requestBody!.content['application/json']!.schema

    const { properties } = draft as { properties: Record<string, { maxLength?: number }> }
    assert.equal(properties['name']!.maxLength, 50)
  })

  it('can be browsed, without a script in the page', async () => {
    const page = await test.client().get<string>('api/docs')
    const start = await test.client().get<string>('api/docs/start.js')
    const bundle = await test.client().get('api/docs/swagger-ui-bundle.js')

    assert.equal(page.status, 200)
    assert.doesNotMatch(page.body, /<script>|onload=|style="/)
    assert.match(start.body, /openapi\.json/)
    assert.equal(bundle.status, 200)
    assert.equal((await test.client().get('api/docs/')).headers.get('location'), '../docs')
  })
})

function operations(document: Document): Operation[] {
  return Object.values(document.paths).flatMap((item) => Object.values(item))
}
