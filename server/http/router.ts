// Typed routes: what a request holds is parsed at the door, and OpenAPI is made from the same schemas.
import express, { type NextFunction, type Request, type RequestHandler, type Response } from 'express'
import { z } from 'zod'
import { Failure } from '../../shared/failure.ts'
import type { Privilege } from '../../shared/privilege.ts'
import { type Actor, guard, type PrivilegeCheck } from './guard.ts'

/** The answer of a route that has nothing to say: 204. */
export const nothing = z.void()

/** A JSON answer that is bytes already, such as one made in a worker. It is sent as it is. */
export class JsonBytes {
  readonly bytes: Uint8Array
  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }
}

/** A route's answer that is no JSON: the handler writes it to the response itself. */
export interface MediaAnswer {
  /** Such as `video/mp4`; more than one where the request chooses. */
  contentTypes: string[]
}

export interface RouteSpec<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, A> {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete'
  /** Below the base path, without a leading `/`; `:name` stands for a part of it: `api/cameras/:cameraId`. */
  path: string
  params?: P
  query?: Q
  body?: B
  answer: A
  /** `public` needs no login. */
  privilege: Privilege | 'public'
  /** One line for people: what it does. */
  summary: string
  /** More of it, where there is more to know: how it fails. */
  description?: string
  /** Status of a success with a body, 200 where not given. */
  status?: 200 | 201
}

export interface RouteContext<P, Q, B> {
  params: P
  query: Q
  body: B
  /** Who asks. On a public route it is whoever is logged in, or undefined. */
  actor: Actor
  request: Request
  response: Response
}

type AnySpec = RouteSpec<z.ZodType, z.ZodType, z.ZodType, z.ZodType | MediaAnswer>

/** A route, its types forgotten: what is mounted, guarded and described. */
export interface Route {
  spec: AnySpec
  handle(context: RouteContext<never, never, never>): Promise<unknown>
}

/** A route that answers with JSON, or with nothing. The answer's type is that of its schema. */
export function route<
  A extends z.ZodType,
  P extends z.ZodType = z.ZodUndefined,
  Q extends z.ZodType = z.ZodUndefined,
  B extends z.ZodType = z.ZodUndefined,
>(
  spec: RouteSpec<P, Q, B, A>,
  handle: (
    context: RouteContext<z.output<P>, z.output<Q>, z.output<B>>,
  ) => Promise<z.output<A> | JsonBytes> | z.output<A> | JsonBytes,
): Route {
  return { spec, handle: async (context) => handle(context) }
}

/** A route that writes its own answer: a movie, a picture. It fails as others do as long as nothing is sent. */
export function mediaRoute<
  P extends z.ZodType = z.ZodUndefined,
  Q extends z.ZodType = z.ZodUndefined,
  B extends z.ZodType = z.ZodUndefined,
>(
  spec: RouteSpec<P, Q, B, MediaAnswer>,
  handle: (context: RouteContext<z.output<P>, z.output<Q>, z.output<B>>) => Promise<void> | void,
): Route {
  return { spec, handle: async (context) => handle(context) }
}

export interface MountOptions {
  check: PrivilegeCheck
  /** Whether answers are checked against their schemas too: on in tests, where a wrong one must fail. */
  checksAnswers: boolean
}

/** The largest JSON body taken, in bytes. */
export const maxBodyBytes = 256 * 1024

/** Mounts routes on an express router that stands at the base path. */
export function mountRoutes(router: express.Router, routes: Route[], options: MountOptions): void {
  const seen = new Set<string>()
  for (const { spec, handle } of routes) {
    const key = `${spec.method} ${spec.path}`
    if (seen.has(key)) throw new Error(`route ${key} is there twice`)
    seen.add(key)
    const handlers: RequestHandler[] = [guardStep(spec, options)]
    if (spec.body !== undefined) handlers.push(express.json({ limit: maxBodyBytes, strict: true }))
    handlers.push(answerStep(spec, handle, options))
    router[spec.method](`/${spec.path}`, ...handlers)
  }
}

function guardStep(spec: AnySpec, options: MountOptions): RequestHandler {
  return async (request: Request, response: Response, next: NextFunction) => {
    response.setHeader('Cache-Control', 'no-store')
    if (spec.privilege !== 'public') {
      const cameraId = request.params['cameraId']
      response.locals['actor'] = await guard(
        request,
        spec.privilege,
        options.check,
        typeof cameraId === 'string' ? cameraId : undefined,
      )
    }
    next()
  }
}

function answerStep(spec: AnySpec, handle: Route['handle'], options: MountOptions): RequestHandler {
  // A misspelt key of a change would otherwise do nothing, silently.
  const body = spec.body instanceof z.ZodObject ? spec.body.strict() : spec.body
  return async (request: Request, response: Response) => {
    if (body !== undefined && request.body === undefined) {
      throw new Failure('invalid', 'the body must be JSON, with Content-Type application/json')
    }
    const context = {
      params: parsePart(spec.params, request.params, 'path'),
      query: parsePart(spec.query, request.query, 'query'),
      body: parsePart(body, request.body, 'body'),
      actor: response.locals['actor'],
      request,
      response,
    }
    const answer = await handle(context as RouteContext<never, never, never>)
    if (!(spec.answer instanceof z.ZodType)) return
    if (answer instanceof JsonBytes) {
      if (options.checksAnswers) spec.answer.parse(JSON.parse(Buffer.from(answer.bytes).toString('utf8')))
      response
        .type('application/json')
        .send(Buffer.from(answer.bytes.buffer, answer.bytes.byteOffset, answer.bytes.length))
    } else if (answer === undefined) {
      response.status(204).end()
    } else {
      if (options.checksAnswers) spec.answer.parse(answer)
      response.status(spec.status ?? 200).json(answer)
    }
  }
}

function parsePart(schema: z.ZodType | undefined, value: unknown, part: string): unknown {
  if (schema === undefined) return undefined
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw invalidOf(parsed.error, part)
}

/** The failure that names the first value at fault by its dotted path, and its limit. */
export function invalidOf(error: z.ZodError, part: string): Failure {
  const issue = error.issues[0]!
  const path = [...issue.path]
  // An unknown key stands in the issue, not in its path: the object it is in does.
  if (issue.code === 'unrecognized_keys' && issue.keys[0] !== undefined) path.push(issue.keys[0])
  const field = path.map(String).join('.')
  const finding = issue.code === 'unrecognized_keys' ? 'is not known here' : issue.message
  return field === ''
    ? new Failure('invalid', `${part}: ${finding}`)
    : new Failure('invalid', `${field}: ${finding}`, { field })
}
