// The account, group and share programs of a simulated NAS (privRequest, privWizard, wizReq), acting on its files.
import { mkdirSync, symlinkSync } from 'node:fs'
import type { NasState } from './nas-state.ts'
import { type Fields, list, tag } from './nas-web.ts'

/** The inside of an answer; undefined for what no program here knows. */
export function answerPrivilege(state: NasState, path: string, fields: Fields): string | undefined {
  const program = path.replace(/^.*\//, '')
  const what = fields['subfunc'] ?? fields['wiz_func'] ?? ''
  const change = changes[`${program} ${what} ${fields['action'] ?? ''}`.trim()]
  if (program === 'privRequest.cgi' && fields['apply'] === '1') return apply(state, what, fields)
  if (change !== undefined) return state.extra.ignoresChanges ? (idle[what] ?? '') : (change(state, fields) ?? '')
  return reads[`${program} ${what}`]?.(state, fields)
}

/** Anybody may change the password that is their own, and knows the one before; undefined where that is not asked. */
export function answerOwnPassword(state: NasState, path: string, user: string, fields: Fields): string | undefined {
  const isOwn =
    fields['action'] === 'user_password_edit' && fields['need_check'] === 'yes' && fields['username'] === user
  if (!path.endsWith('/privWizard.cgi') || !isOwn) return undefined
  if (state.extra.accounts[user]?.password !== decoded(fields['old_password'] ?? '')) return passwordAnswer('-1')
  if (!state.extra.ignoresChanges) {
    state.change((extra) => {
      extra.accounts[user]!.password = decoded(fields['password'] ?? '')
    })
  }
  return passwordAnswer('0')
}

/** What a change that did nothing answers beside "passed". */
const idle: Record<string, string> = { user_password_edit: passwordAnswer('0') }

const reads: Record<string, (state: NasState, fields: Fields) => string> = {
  'privRequest.cgi user'(state, fields) {
    const rows = state.rows('passwd').filter(([name, , id]) => id === '0' || Number(id) >= 500 || name === 'guest')
    return page('user', fields, rows, ([name, , id]) => {
      const account = state.extra.accounts[name!]
      return {
        username: name!,
        userid: id!,
        fullname: '',
        email: account?.email ?? '',
        description: account?.description ?? '',
        user_enable: account?.isEnabled === false ? '0' : '1',
      }
    })
  },
  'privRequest.cgi group': (state, fields) =>
    page('group', fields, state.rows('group'), ([name, , id]) => ({ groupname: name!, groupid: id!, description: '' })),
  'privWizard.cgi user_edit'(state, { userName = '' }) {
    const row = state.rows('passwd').find(([name]) => name === userName)
    if (row === undefined) return ''
    const account = state.extra.accounts[userName]
    const [year, month, day] = account?.lastDay ?? [0, 0, 0]
    return `<userInfo>${list({
      username: userName,
      uid: row[2]!,
      description: account?.description ?? '',
      email: account?.email ?? '',
      chk_disable: account?.isEnabled === false ? '1' : '0',
      year: String(year),
      month: String(month),
      day: String(day),
    })}</userInfo>`
  },
  'privWizard.cgi group_user_edit': (state, { groupName = '' }) =>
    state.rows('group').some(([name]) => name === groupName) ? tag('ownUser', state.members(groupName).join(', ')) : '',
}

/** Rows `lower` to `upper` of those whose name has `filter` in it. */
function page(what: string, fields: Fields, rows: string[][], describe: (row: string[]) => Fields): string {
  const matching = rows.filter(([name]) => name!.includes(fields['filter'] ?? ''))
  const shown = matching.slice(Number(fields['lower']), Number(fields['upper']))
  const data = shown.map((row) => `<${what}>${list(describe(row))}</${what}>`).join('')
  return `<${what}root>${tag('count', String(matching.length))}<data>${data}</data></${what}root>`
}

const changes: Record<string, (state: NasState, fields: Fields) => string | undefined> = {
  'wizReq.cgi user_create add_user'(state, { a_username = '', a_passwd = '', a_description = '' }) {
    const id = 1 + Math.max(999, ...state.rows('passwd').map(([, , one]) => (Number(one) < 60_000 ? Number(one) : 0)))
    const home = `/share/homes/${a_username}`
    const row = [a_username, 'x', String(id), '100', 'Linux User,,,', home, '/bin/sh']
    state.writeRows('passwd', [...state.rows('passwd'), row])
    state.change((extra) => {
      extra.accounts[a_username] = { password: decoded(a_passwd), description: a_description }
    })
    return undefined
  },
  'privWizard.cgi user_edit account_edit'(state, { username = '', a_description = '', a_enable, year, month, day }) {
    state.change((extra) => {
      const account = extra.accounts[username]!
      account.description = a_description
      account.isEnabled = a_enable === '1'
      if (year === undefined) delete account.lastDay
      else account.lastDay = [Number(year), Number(month), Number(day)]
    })
    return undefined
  },
  'privWizard.cgi user_password_edit user_password_edit'(state, { username = '', password = '' }) {
    if (state.extra.accounts[username] === undefined) return passwordAnswer('-1')
    state.change((extra) => {
      extra.accounts[username]!.password = decoded(password)
    })
    return passwordAnswer('0')
  },
  'wizReq.cgi user_group_create add_group'(state, { new_groupname = '' }) {
    const id = 1000 + state.rows('group').filter(([, , one]) => Number(one) >= 1000 && Number(one) < 60_000).length
    state.writeRows('group', [...state.rows('group'), [new_groupname, 'x', String(id), '']])
    return undefined
  },
  'privWizard.cgi group_user_edit group_user_edit'(state, fields) {
    const named = (key: string) => Array.from({ length: Number(fields[`${key}_len`]) }, (_, i) => fields[`${key}${i}`]!)
    const [added, dropped] = [named('select_user'), named('unselect_user')]
    const members = [...state.members(fields['groupName']!), ...added].filter((name) => !dropped.includes(name))
    const rows = state.rows('group')
    state.writeRows(
      'group',
      rows.map((row) => (row[0] === fields['groupName'] ? [...row.slice(0, 3), members.join(',')] : row)),
    )
    return undefined
  },
  'wizReq.cgi share_create add_share'(state, { share_name = '', comment = '', vol_no = '' }) {
    const volume = state.extra.volumeIndex.find(({ number }) => number === vol_no)
    const folder = `${volume?.mappingName.toUpperCase()}_DATA/${share_name}`
    mkdirSync(state.path(`/share/${folder}`), { recursive: true })
    symlinkSync(folder, state.path(`/share/${share_name}`))
    const section = `\n[${share_name}]\ncomment = ${comment}\npath = /share/${folder}\nwritable = yes\nbrowseable = yes\n`
    state.write('/etc/config/smb.conf', state.read('/etc/config/smb.conf') + section)
    return undefined
  },
}

function apply(state: NasState, what: string, fields: Fields): string {
  const [file, names] =
    what === 'user' ? (['passwd', fields['user_list']] as const) : (['group', fields['group_list']] as const)
  if (state.extra.ignoresChanges) return ''
  state.writeRows(
    file,
    state.rows(file).filter(([name]) => name !== names),
  )
  return ''
}

function passwordAnswer(value: string): string {
  return `<func><userPasswordEdit>${list({ passwordCheck: value, passwordChange: value })}</userPasswordEdit></func>`
}

function decoded(text: string): string {
  return Buffer.from(text, 'base64').toString('utf8')
}
