// Name, ports, security level and bans over HTTP.
import { z } from 'zod'
import {
  accessRule,
  accessRuleChange,
  ban,
  banDraft,
  networkChange,
  networkStatus,
  protection,
} from '../../shared/network.ts'
import { nothing, type Route, route } from '../http/router.ts'
import type { AccessService } from './access-service.ts'
import type { BanService } from './ban-service.ts'
import type { NetworkService } from './network-service.ts'

export interface NetworkRoutesOptions {
  network: NetworkService
  access: AccessService
  bans: BanService
}

export function networkRoutes({ network, access, bans }: NetworkRoutesOptions): Route[] {
  return [
    route(
      {
        method: 'get',
        path: 'api/network/settings',
        answer: networkStatus,
        privilege: 'system.view',
        summary: 'The server’s name and ports, and whether HTTPS is on or forced.',
      },
      () => network.status(),
    ),
    route(
      {
        method: 'patch',
        path: 'api/network/settings',
        body: networkChange,
        answer: networkStatus,
        privilege: 'system.manage',
        summary: 'Changes them. Ports are opened before the former ones are left; connections stay.',
        description:
          'Fails `conflict` at a field that the environment decides (`fixedBy`), or at a port that cannot be listened ' +
          'on; `invalid` where HTTPS is forced and not on, or both ports are one. Then nothing has changed.',
      },
      ({ body, actor }) => network.change(body, actor),
    ),
    route(
      {
        method: 'get',
        path: 'api/network/access',
        answer: accessRule,
        privilege: 'system.view',
        summary: 'The security level: who may connect.',
      },
      () => access.get(),
    ),
    route(
      {
        method: 'put',
        path: 'api/network/access',
        body: accessRuleChange,
        answer: accessRule,
        privilege: 'system.manage',
        summary: 'Sets the security level. It holds at once, for open connections too.',
        description:
          'Fails `invalid` at `entries.N` where one cannot be read; `conflict` where it would lock out the address that ' +
          'asks, unless `isConfirmed`. The server’s own machine is never locked out.',
      },
      ({ body, actor }) => access.set(body, actor),
    ),
    route(
      {
        method: 'get',
        path: 'api/network/protection',
        answer: protection,
        privilege: 'system.view',
        summary: 'Network access protection: after how many failed log-ins an address is banned, and how long.',
      },
      () => bans.protection(),
    ),
    route(
      {
        method: 'put',
        path: 'api/network/protection',
        body: protection,
        answer: protection,
        privilege: 'system.manage',
        summary: 'Sets it. Bans there are stay as they are.',
      },
      ({ body, actor }) => bans.setProtection(body, actor),
    ),
    route(
      {
        method: 'get',
        path: 'api/network/bans',
        answer: z.array(ban),
        privilege: 'system.view',
        summary: 'Bans in force, oldest first.',
      },
      () => bans.list(),
    ),
    route(
      {
        method: 'post',
        path: 'api/network/bans',
        body: banDraft,
        answer: ban,
        status: 201,
        privilege: 'system.manage',
        summary: 'Bans an address, a network or a range, in place of a ban of the same there is.',
        description:
          'Fails `invalid` at `target`; `conflict` where it would ban the address that asks, unless `isConfirmed`.',
      },
      ({ body, actor }) => bans.create(body, actor),
    ),
    route(
      {
        method: 'delete',
        path: 'api/network/bans/:banId',
        params: z.object({ banId: z.string().max(36) }),
        answer: nothing,
        privilege: 'system.manage',
        summary: 'Lifts a ban.',
      },
      ({ params, actor }) => bans.remove(params.banId, actor),
    ),
  ]
}
