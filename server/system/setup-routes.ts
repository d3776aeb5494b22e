// The first start over HTTP.
import {
  checklist,
  checklistChange,
  requirementCheck,
  requirementReport,
  serverTime,
  setupState,
  timeVerdict,
} from '../../shared/setup.ts'
import { nothing, type Route, route } from '../http/router.ts'
import type { SetupService } from './setup-service.ts'

export function setupRoutes(setup: SetupService): Route[] {
  const privilege = 'system.manage'
  return [
    route(
      {
        method: 'get',
        path: 'api/setup',
        answer: setupState,
        privilege,
        summary: 'Whether the setup is finished, and which step comes next.',
      },
      ({ actor }) => setup.state(actor.accountId),
    ),
    route(
      {
        method: 'get',
        path: 'api/setup/requirements',
        answer: requirementCheck,
        privilege,
        summary: 'How far the check of the requirements is, and what the last one found.',
      },
      () => setup.check(),
    ),
    route(
      {
        method: 'post',
        path: 'api/setup/requirements',
        answer: requirementReport,
        privilege,
        summary: 'Measures the machine, and writes to the default recording space’s volume, for five seconds at most.',
        description: 'Fails `conflict` while a check runs. What cannot be measured is a finding, not a failure.',
      },
      ({ actor }) => setup.measure(actor),
    ),
    route(
      {
        method: 'get',
        path: 'api/setup/time',
        answer: serverTime,
        privilege,
        summary: 'The server’s date, time and zone, and whether something keeps its clock right.',
      },
      () => setup.time(),
    ),
    route(
      {
        method: 'post',
        path: 'api/setup/time',
        body: timeVerdict,
        answer: serverTime,
        privilege,
        summary: 'Confirms date and time, or says that they are wrong, and sets the zone they are shown in.',
        description:
          'Fails `invalid` at `timeZone`; `conflict` at `shownMs` where the clock is more than 60 s from what was shown. ' +
          'The machine’s own clock is not changed; its zone is where it lets the server, and else stays as it is.',
      },
      ({ body, actor }) => setup.judgeTime(body, actor),
    ),
    route(
      {
        method: 'post',
        path: 'api/setup/finish',
        answer: nothing,
        privilege,
        summary: 'Marks the setup as finished.',
        description:
          'Fails `conflict` where it is, or where the requirements were not checked or date and time not confirmed. ' +
          'Requirements that failed do not hinder it: they are logged with it.',
      },
      async ({ actor }) => {
        await setup.finish(actor)
      },
    ),
    route(
      {
        method: 'get',
        path: 'api/setup/checklist',
        answer: checklist,
        privilege,
        summary: 'What is left to do after the setup, from what is there now.',
      },
      ({ actor }) => setup.checklist(actor.accountId),
    ),
    route(
      {
        method: 'patch',
        path: 'api/setup/checklist',
        body: checklistChange,
        answer: nothing,
        privilege,
        summary: 'Dismisses the checklist for all users, or shows it again.',
      },
      async ({ body, actor }) => {
        await setup.showChecklist(body.isShown, actor)
      },
    ),
  ]
}
