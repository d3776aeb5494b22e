// OpenAPI 3.1, made from the routes' own schemas, so that it cannot say something else than the server does.
import { z } from 'zod'
import { createDocument, type oas31, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from 'zod-openapi'
import { failureBody } from '../../shared/failure-body.ts'
import { csrfHeader } from './guard.ts'
import type { Route } from './router.ts'

export interface OpenApiOptions {
  version: string
  /** Schemas that are shown by name; each stands once in the document. */
  schemas: Record<string, z.ZodType>
}

/** The whole document. Paths are relative to the base path, which is the document's server: `../`. */
export function openApiOf(routes: Route[], options: OpenApiOptions): oas31.OpenAPIObject {
  const paths: ZodOpenApiPathsObject = {}
  for (const { spec } of routes) {
    const path = `/${spec.path.replace(/:(\w+)/g, '{$1}')}`
    paths[path] = { ...paths[path], [spec.method]: operationOf({ spec } as Route) }
  }
  return createDocument({
    openapi: '3.1.0',
    info: {
      title: 'Nightjar',
      version: options.version,
      description:
        'The API the web desktop is made with. Log in with `POST api/login`; the answer holds a token that every change ' +
        `sends back in the header \`${csrfHeader}\`. \`api/push\` and \`api/live\` are WebSockets.`,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '../', description: 'this server, relative to this document' }],
    paths,
    components: {
      schemas: { Failure: failureBody, ...options.schemas },
      securitySchemes: {
        session: { type: 'apiKey', in: 'cookie', name: 'nightjar', description: 'The cookie of a login.' },
        token: { type: 'apiKey', in: 'header', name: csrfHeader, description: 'The session’s token, on changes.' },
      },
    },
  })
}

function operationOf({ spec }: Route): ZodOpenApiOperationObject {
  const isPublic = spec.privilege === 'public'
  const isChange = spec.method !== 'get'
  const json = (schema: z.ZodType) => ({ 'application/json': { schema } })
  const failures = [
    ...(spec.body !== undefined || spec.query !== undefined
      ? [[400, 'The request is wrong: `field` says where.']]
      : []),
    ...(isPublic ? [] : [[401, 'Nobody is logged in.']]),
    ...(isPublic ? [] : [[403, 'The privilege or the token is missing.']]),
    ...(spec.params === undefined ? [] : [[404, 'It is not there.']]),
  ] as [number, string][]
  return {
    operationId: operationIdOf(spec.method, spec.path),
    tags: [spec.path.split('/')[1] ?? 'api'],
    summary: spec.summary,
    ...(spec.description === undefined ? {} : { description: spec.description }),
    security: isPublic ? [] : [isChange ? { session: [], token: [] } : { session: [] }],
    requestParams: {
      ...(spec.params instanceof z.ZodObject ? { path: spec.params } : {}),
      ...(spec.query instanceof z.ZodObject ? { query: spec.query } : {}),
    },
    ...(spec.body === undefined ? {} : { requestBody: { required: true, content: json(spec.body) } }),
    responses: {
      ...successOf(spec),
      ...Object.fromEntries(
        failures.map(([status, description]) => [status, { description, content: json(failureBody) }]),
      ),
      default: { description: 'Any other failure.', content: json(failureBody) },
    },
  }
}

function successOf(spec: Route['spec']): ZodOpenApiOperationObject['responses'] {
  if (!(spec.answer instanceof z.ZodType)) {
    const content = Object.fromEntries(
      spec.answer.contentTypes.map((type) => [type, { schema: { type: 'string' as const, format: 'binary' } }]),
    )
    return { 200: { description: 'The whole.', content }, 206: { description: 'The range asked for.', content } }
  }
  if (spec.answer instanceof z.ZodVoid) return { 204: { description: 'Done.' } }
  return {
    [String(spec.status ?? 200) as '200']: {
      description: 'Done.',
      content: { 'application/json': { schema: spec.answer } },
    },
  }
}

/** `patch api/cameras/:cameraId` → `patchCamerasByCameraId`. */
function operationIdOf(method: string, path: string): string {
  const words = path
    .split('/')
    .slice(1)
    .map((part) => (part.startsWith(':') ? `By-${part.slice(1)}` : part))
    .join('-')
    .split(/[-.]/)
  return method + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')
}
