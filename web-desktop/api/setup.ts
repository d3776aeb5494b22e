// The first start and what is left to do after it, for whoever may manage the system.
import type {
  Checklist,
  RequirementCheck,
  RequirementReport,
  ServerTime,
  SetupState,
  TimeVerdict,
} from '../../shared/setup.ts'
import { Store } from '../base/store.ts'
import { getJson, request } from './client.ts'
import { session } from './session.ts'

/** How far the setup is; undefined where it is none of this user's business, or not known. */
export const setup = new Store<SetupState | undefined>(undefined)

/** Reads it, for who may manage the system. A server that does not answer keeps nobody from the desktop. */
export async function readSetup(): Promise<SetupState | undefined> {
  const isTheirs = session.value?.privileges.includes('system.manage') === true
  setup.set(isTheirs ? await getJson<SetupState>('api/setup').catch(() => undefined) : undefined)
  return setup.value
}

export function readCheck(): Promise<RequirementCheck> {
  return getJson<RequirementCheck>('api/setup/requirements')
}

/** Measures the machine; takes about five seconds at most. Fails `conflict` while that is being done. */
export function checkRequirements(): Promise<RequirementReport> {
  return request<RequirementReport>('POST', 'api/setup/requirements')
}

export function readServerTime(): Promise<ServerTime> {
  return getJson<ServerTime>('api/setup/time')
}

/** Fails `conflict` where the server's clock was set meanwhile. */
export function judgeServerTime(verdict: TimeVerdict): Promise<ServerTime> {
  return request<ServerTime>('POST', 'api/setup/time', verdict)
}

export async function finishSetup(): Promise<void> {
  await request('POST', 'api/setup/finish')
  await readSetup()
}

export function readChecklist(): Promise<Checklist> {
  return getJson<Checklist>('api/setup/checklist')
}

/** Dismisses it for all users. */
export async function dismissChecklist(): Promise<void> {
  await request('PATCH', 'api/setup/checklist', { isShown: false })
  await readSetup()
}
