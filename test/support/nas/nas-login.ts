// authLogin.cgi and authLogout.cgi of a simulated NAS, with all they are known to say.
import type { NasAccount, NasState } from './nas-state.ts'
import type { Fields, NasRequest } from './nas-web.ts'

const failure: Fields = { authPassed: '0', errorValue: '-1', username: '' }

/** The fields of the answer, or a fault to be played. */
export function answerLogin(state: NasState, { fields, address }: NasRequest): Fields {
  const { sessions } = state.extra
  if (fields['sid'] !== undefined) {
    const known = sessions[fields['sid']]
    return known === undefined ? { authPassed: '0' } : { authPassed: '1', ...whoIs(state, known.user) }
  }
  const user = fields['user'] ?? ''
  const account = state.extra.accounts[user]
  if (fields['qtoken'] !== undefined) {
    const isRight = account?.rememberToken === fields['qtoken'] && account.isEnabled !== false
    return isRight ? admit(state, user, account, true) : failure
  }
  const given = Buffer.from(fields['pwd'] ?? '', 'base64').toString('utf8')
  if (account === undefined || account.password !== given) {
    const from = fields['remote_ip'] ?? address
    state.change((extra) => {
      extra.failures[from] = (extra.failures[from] ?? 0) + 1
    })
    return failure
  }
  if (account.isEnabled === false) return { ...failure, user_enable: '0' }
  if (account.isPasswordExpired) return { ...failure, errorValue: '-4' }
  if (account.lastDay !== undefined && isPast(account.lastDay)) return { ...failure, ...expiryOf(account) }
  // From the NAS itself the second step is left out, unless it is asked for.
  const isAsked = address !== '127.0.0.1' || fields['force_to_check_2sv'] === '1'
  if (account.secondStep !== undefined && isAsked) {
    const refusal = checkSecondStep(state, user, fields['security_code'])
    if (refusal !== undefined) return refusal
  }
  return admit(state, user, account, isAsked)
}

export function answerLogout(state: NasState, { fields }: NasRequest): Fields {
  state.change((extra) => {
    delete extra.sessions[fields['sid'] ?? '']
  })
  return { authPassed: '0' }
}

function checkSecondStep(state: NasState, user: string, code: string | undefined): Fields | undefined {
  const step = state.extra.accounts[user]!.secondStep!
  const limit = 5
  const isLockedOut = step.emergencyTries >= limit
  if (code !== undefined && !isLockedOut && (code === step.code || code === step.emergencyCode)) return undefined
  const isEmergency = code?.length === 8
  const tries = step.emergencyTries + (isEmergency && !isLockedOut ? 1 : 0)
  state.change((extra) => {
    extra.accounts[user]!.secondStep!.emergencyTries = tries
  })
  return {
    authPassed: '0',
    [state.extra.secondStepName]: '1',
    lost_phone: step.lostPhone,
    emergency_try_count: String(tries),
    emergency_try_limit: String(limit),
    username: user,
  }
}

function admit(state: NasState, user: string, account: NasAccount, isStepDone: boolean): Fields {
  const { loginFault } = state.extra
  const sid = Math.random().toString(36).slice(2, 10).padEnd(8, '0')
  const isWithoutSid = loginFault === 'no-sid' || loginFault === 'no-sid-once'
  state.change((extra) => {
    if (!isWithoutSid) extra.sessions[sid] = { user }
    if (loginFault === 'no-sid-once') delete extra.loginFault
  })
  return {
    doQuick: '',
    is_booting: '0',
    mediaReady: '1',
    SMBFW: '1',
    authPassed: '1',
    ...(isWithoutSid ? {} : { authSid: sid }),
    ...whoIs(state, user),
    userType: 'local',
    ...(account.secondStep !== undefined && isStepDone ? { [state.extra.secondStepName]: '1', vtoken: 'abc' } : {}),
    ...(account.isSecondStepForced ? { force_2sv: '1' } : {}),
    ...(account.lastDay === undefined ? {} : expiryOf(account)),
    ...(account.mustChangePassword ? { force_change_pw: '1' } : {}),
    ts: '29664185',
    standard_massage: '',
    cuid: '0123456789abcdef0123456789abcdef',
  }
}

function whoIs(state: NasState, user: string): Fields {
  const isAdmin = state.isAdministrator(user)
  return { isAdmin: isAdmin ? '1' : '0', username: user, groupname: isAdmin ? 'administrators' : 'everyone' }
}

function expiryOf({ lastDay }: NasAccount): Fields {
  const [year, month, day] = lastDay!.map(String)
  return {
    user_account_expiry: '1',
    user_expiry_year: year!,
    user_expiry_month: month!,
    user_expiry_day: day!,
  }
}

function isPast([year, month, day]: [number, number, number]): boolean {
  return Date.now() >= new Date(year, month - 1, day + 1).getTime()
}
