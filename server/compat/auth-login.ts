// `/cgi-bin/authLogin.cgi` and `authLogout.cgi` as QTS answers them: QVR Pro's clients log in there.
import { hostname } from 'node:os'
import express, { type Request, type RequestHandler, type Response, Router } from 'express'
import type { AccountService } from '../account/account-service.ts'
import type { Account } from '../account/account-store.ts'
import type { LoginOutcome, LoginService } from '../account/login-service.ts'
import type { SidSessions } from './sid-sessions.ts'

export interface AuthLoginOptions {
  logins: LoginService
  accounts: AccountService
  sids: SidSessions
}

/** Leaves of the answer, in the order they are written; an array where one holds others. */
type Leaf = [name: string, value: string | number]

/** What QTS says by number: 0 passed, −1 failed, −3 and −4 the password of an administrator, or another, has expired. */
const errorValue = { failed: -1, administratorsPasswordExpired: -3, passwordExpired: -4 }

const loopback = new Set(['127.0.0.1', '::1', '::ffff:127.0.0.1'])

/** Mounted at `/cgi-bin`. A form or a query; the answer is always 200, as QTS's is, and never cached. */
export function authLoginRouter(options: AuthLoginOptions): RequestHandler {
  const router = Router()
  const form = express.urlencoded({ extended: false, limit: '16kb', parameterLimit: 50 })
  router.all('/authLogin.cgi', form, (request, response, next) => {
    answerLogin(options, request).then((leaves) => send(response, leaves), next)
  })
  router.all('/authLogout.cgi', form, (request, response) => {
    options.sids.end(parameterOf(request, 'sid') ?? '')
    send(response, [['authPassed', 0]])
  })
  return router
}

async function answerLogin(options: AuthLoginOptions, request: Request): Promise<Leaf[]> {
  const { logins, accounts, sids } = options
  const sid = parameterOf(request, 'sid')
  if (sid !== undefined) {
    const account = await sids.accountOf(sid)
    return account === undefined ? refused(errorValue.failed) : [...frame, ['authPassed', 1], ...about(account)]
  }
  const username = parameterOf(request, 'user') ?? ''
  const password = passwordOf(request)
  if (username === '' || username.length > 64 || password === undefined) return refused(errorValue.failed)
  const code = parameterOf(request, 'security_code')
  request.body = { username, password, code }
  const outcome = await logins.logIn(request, username)
  if (outcome.kind !== 'passed') return refusalOf(outcome, username)
  const { account } = outcome
  if (accounts.isPasswordExpired(account)) {
    return refused(account.isAdministrator ? errorValue.administratorsPasswordExpired : errorValue.passwordExpired)
  }
  return [
    ...frame,
    ['authPassed', 1],
    ['authSid', sids.start(account.id)],
    ['pw_status', 0],
    ...about(account),
    ['ts', Math.floor(Date.now() / 60_000)],
  ]
}

/** What every answer begins with. */
const frame: Leaf[] = [
  ['doQuick', ''],
  ['is_booting', 0],
  ['mediaReady', 1],
]

function about(account: Account): Leaf[] {
  return [
    ['isAdmin', account.isAdministrator ? 1 : 0],
    ['userType', 'local'],
    ['user', account.username],
    ['username', account.username],
    ['groupname', account.isAdministrator ? 'administrators' : 'everyone'],
    ['hostname', hostname()],
  ]
}

function refusalOf(outcome: Exclude<LoginOutcome, { kind: 'passed' }>, username: string): Leaf[] {
  if (outcome.kind !== 'code-needed') return refused(errorValue.failed)
  // Firmware of different years has told it by either name.
  return [
    ...frame,
    ['authPassed', 0],
    ['need_2sv', 1],
    ['need_2_step_verification', 1],
    ['lost_phone', 0],
    ['username', username],
  ]
}

function refused(value: number): Leaf[] {
  return [...frame, ['authPassed', 0], ['errorValue', value], ['username', '']]
}

/** `pwd` is base64 of UTF-8; `plain_pwd` counts from this machine only. Undefined where it is neither. */
function passwordOf(request: Request): string | undefined {
  const plain = parameterOf(request, 'plain_pwd')
  if (plain !== undefined && loopback.has(request.socket.remoteAddress ?? '') && !request.get('x-forwarded-for')) {
    return plain
  }
  const coded = parameterOf(request, 'pwd')
  // A query turns `+` into a space where a client forgot to code it.
  const text = coded?.replaceAll(' ', '+')
  if (text === undefined || !/^[A-Za-z0-9+/]{1,512}={0,2}$/.test(text)) return undefined
  return Buffer.from(text, 'base64').toString('utf8')
}

/** Of the form, else of the query; the first where there are several. */
function parameterOf(request: Request, name: string): string | undefined {
  for (const from of [request.body as unknown, request.query as unknown]) {
    const value = (from as Record<string, unknown> | undefined)?.[name]
    const first: unknown = Array.isArray(value) ? value[0] : value
    if (typeof first === 'string') return first
  }
  return undefined
}

/** Clients look for this content type to the letter: no charset. */
function send(response: Response, leaves: Leaf[]): void {
  const body = leaves.map(([name, value]) => `<${name}>${cdata(String(value))}</${name}>`).join('')
  response.statusCode = 200
  response.setHeader('Content-Type', 'text/xml')
  response.setHeader('Cache-Control', 'no-store')
  response.end(`<?xml version="1.0" encoding="UTF-8" ?>\n<QDocRoot version="1.0">${body}</QDocRoot>\n`)
}

function cdata(text: string): string {
  return `<![CDATA[${text.replaceAll(']]>', ']]]]><![CDATA[>')}]]>`
}
