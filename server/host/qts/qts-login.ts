// Logging in at QTS, through its own authLogin.cgi: it alone knows of second steps, lock-outs, expiry and privileges.
import { isIP } from 'node:net'
import { type Finding, found } from '../finding.ts'
import { HostSession } from '../host-session.ts'
import type { HostCookies, HostLoginOutcome, HostLoginTry, LoginPart, ResumedLogin } from '../login.ts'
import type { ToolRunner } from '../tool-runner.ts'
import { isSameName } from './qts-directory.ts'
import type { QtsHttp } from './qts-http.ts'
import { textOf, type XmlElement } from './xml.ts'

const loginPath = '/cgi-bin/authLogin.cgi'

/** Nobody has a longer one: what is longer is wrong without asking. */
const maxInputLength = 256

export class QtsLogin implements LoginPart {
  readonly #http: QtsHttp
  readonly #tools: ToolRunner
  readonly #nowMs: () => number

  constructor(http: QtsHttp, tools: ToolRunner, nowMs: () => number) {
    this.#http = http
    this.#tools = tools
    this.#nowMs = nowMs
  }

  async verify(attempt: HostLoginTry): Promise<HostLoginOutcome> {
    const { name, password, secondStepCode } = attempt
    if (!isSane(name) || !isSane(password)) return { kind: 'wrong', what: 'password' }
    if (secondStepCode !== undefined && !/^\d{6}(\d{2})?$/.test(secondStepCode)) return { kind: 'wrong', what: 'code' }
    const fields = this.#fields(attempt, await this.#machineName(name))
    const first = await this.#ask(name, fields)
    // Some firmwares say yes without a session now and then; that is not believed, but asked again once.
    const outcome = first === 'yes-without-session' ? await this.#ask(name, fields) : first
    if (outcome !== 'yes-without-session') return this.#admit(outcome)
    return { kind: 'unreachable', reason: 'QTS says yes but opens no session' }
  }

  async isAlive(session: HostSession): Promise<Finding<boolean>> {
    const answer = await this.#http.post(loginPath, { sid: session.reveal() })
    return answer.isFound ? found(textOf(answer.value, 'authPassed') === '1') : answer
  }

  async resume({ name, sessionId, rememberToken }: HostCookies): Promise<Finding<ResumedLogin | undefined>> {
    if (!isSane(name)) return found(undefined)
    if (sessionId !== undefined && isSane(sessionId)) {
      const answer = await this.#http.post(loginPath, { sid: sessionId })
      if (!answer.isFound) return answer
      // The answer to a session check holds no session id: it is the one that was asked about.
      const session = sessionOf(answer.value, sessionId)
      if (session !== undefined) {
        return found(isSameName(session.accountName, name) ? { session, isOpenedHere: false } : undefined)
      }
    }
    if (rememberToken === undefined || !isSane(rememberToken)) return found(undefined)
    const answer = await this.#http.post(loginPath, { user: name, qtoken: rememberToken, client_app: 'Nightjar' })
    if (!answer.isFound) return answer
    const session = sessionOf(answer.value, textOf(answer.value, 'authSid'))
    if (session === undefined) return found(undefined)
    if (isSameName(session.accountName, name)) return found({ session, isOpenedHere: true })
    await this.end(session)
    return found(undefined)
  }

  async end(session: HostSession): Promise<Finding<undefined>> {
    const answer = await this.#http.post('/cgi-bin/authLogout.cgi', { sid: session.reveal(), logout: '1' })
    return answer.isFound ? found(undefined) : answer
  }

  #fields({ password, clientAddress, device, secondStepCode }: HostLoginTry, user: string): Record<string, string> {
    const address = plainAddress(clientAddress)
    return {
      user,
      pwd: Buffer.from(password, 'utf8').toString('base64'),
      serviceKey: '1',
      // A request from the NAS itself is let off the second step unless this is asked for.
      force_to_check_2sv: '1',
      ...(address === undefined ? {} : { remote_ip: address }),
      device: (device ?? '').replace(/[^\x20-\x7e]/g, '').slice(0, 128),
      client_app: 'Nightjar',
      ...(secondStepCode === undefined ? {} : { security_code: secondStepCode, dont_verify_2sv_again: '0' }),
    }
  }

  async #ask(name: string, fields: Record<string, string>): Promise<Judgement | 'yes-without-session'> {
    const answer = await this.#http.post(loginPath, fields)
    if (answer.isFound) return judge(answer.value, name, fields['security_code'] !== undefined, this.#nowMs())
    // QTS's network access protection shuts out an address at the web server.
    if (answer.status === 403) return { outcome: { kind: 'locked-out', reason: 'QTS refuses this address' } }
    return { outcome: { kind: 'unreachable', reason: answer.reason } }
  }

  /** A session that QTS opened for who must not come in is closed again. */
  async #admit({ outcome, unwanted }: Judgement): Promise<HostLoginOutcome> {
    if (unwanted !== undefined) await this.end(unwanted)
    return outcome
  }

  /** An account of a domain is written `DOMAIN\user` by people, and with winbind's separator by the machine. */
  async #machineName(name: string): Promise<string> {
    const [domain, user] = name.split('\\')
    if (user === undefined) return name
    const separator = await this.#tools.text('wbinfo', ['--separator'])
    return separator.isFound && separator.value.length === 1 ? `${domain}${separator.value}${user}` : name
  }
}

interface Judgement {
  outcome: HostLoginOutcome
  unwanted?: HostSession
}

/** What an answer means. Only "passed" together with a session id is a yes. */
function judge(answer: XmlElement, name: string, hasCode: boolean, nowMs: number): Judgement | 'yes-without-session' {
  const text = (element: string) => textOf(answer, element)
  const hasSecondStep = text('need_2sv') === '1' || text('need_2_step_verification') === '1'
  const errorValue = text('errorValue')
  const barred: HostLoginOutcome | undefined =
    text('user_enable') === '0'
      ? { kind: 'disabled' }
      : isPastExpiry(answer, nowMs)
        ? { kind: 'expired', what: 'account' }
        : errorValue === '-3' || errorValue === '-4'
          ? { kind: 'expired', what: 'password' }
          : undefined
  if (text('authPassed') !== '1') {
    if (barred !== undefined) return { outcome: barred }
    return { outcome: hasSecondStep ? secondStep(answer, hasCode) : { kind: 'wrong', what: 'password' } }
  }
  const sid = text('authSid')
  if (sid === '') return 'yes-without-session'
  const session = new HostSession(sid, text('username') || name, text('isAdmin') === '1')
  if (barred !== undefined) return { outcome: barred, unwanted: session }
  if (text('force_2sv') === '1' && !hasSecondStep) {
    return { outcome: { kind: 'second-step-not-set-up' }, unwanted: session }
  }
  const mustChangePassword = text('force_change_pw') === '1'
  return { outcome: { kind: 'passed', session, mustChangePassword, isSecondStepDone: hasSecondStep && hasCode } }
}

function secondStep(answer: XmlElement, hasCode: boolean): HostLoginOutcome {
  const tries = Number(textOf(answer, 'emergency_try_count') || 0)
  const limit = Number(textOf(answer, 'emergency_try_limit') || 0)
  if (limit > 0 && tries >= limit) {
    return { kind: 'locked-out', reason: `${tries} of ${limit} tries of an emergency code are used up` }
  }
  if (hasCode) return { kind: 'wrong', what: 'code' }
  const rescues: Record<string, 'mail' | 'question'> = { '1': 'mail', '2': 'question' }
  return { kind: 'needs-second-step', rescue: rescues[textOf(answer, 'lost_phone')] }
}

/** True from the day after the one the account is good until. */
function isPastExpiry(answer: XmlElement, nowMs: number): boolean {
  if (textOf(answer, 'user_account_expiry') !== '1') return false
  const [year, month, day] = ['year', 'month', 'day'].map((part) => Number(textOf(answer, `user_expiry_${part}`)))
  if (!(year! > 1970 && month! >= 1 && day! >= 1)) return false
  return nowMs >= new Date(year!, month! - 1, day! + 1).getTime()
}

/** The session an answer says yes to; undefined where it says no, names nobody, or the account is disabled. */
function sessionOf(answer: XmlElement, sid: string): HostSession | undefined {
  const name = textOf(answer, 'username') || textOf(answer, 'user')
  const isIn = textOf(answer, 'authPassed') === '1' && textOf(answer, 'user_enable') !== '0'
  return isIn && sid !== '' && name !== '' ? new HostSession(sid, name, textOf(answer, 'isAdmin') === '1') : undefined
}

/** An address as QTS knows them: without the prefix of IPv4 within IPv6, without zone. */
function plainAddress(address: string): string | undefined {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '')
  return isIP(plain) === 0 ? undefined : plain
}

function isSane(text: string): boolean {
  return text.length >= 1 && text.length <= maxInputLength && !/[\x00-\x1f]/.test(text)
}
