/**
 * jobs/ promises that what nobody asked for happens all the same: the clock's bells ring flows once per slot however
 * many replicas there are, and each task that a decision queued is carried out. A handler only names its flow.
 */

import type { TaskPayload } from '../db/tasks.ts';
import { deliverAccessPackage, prepareAccessPackage } from '../flows/access-package.ts';
import { sendAlarm } from '../flows/alarms.ts';
import { certifyRun } from '../flows/certify-run.ts';
import { collectExport } from '../flows/collect-export.ts';
import { eraseSubject } from '../flows/erase-subject.ts';
import { executeRun } from '../flows/execute-run.ts';
import { gatherFindings } from '../flows/gather-findings.ts';
import { watchIncident } from '../flows/move-incident.ts';
import type { Office } from '../flows/office.ts';
import { settleHold } from '../flows/place-hold.ts';
import { preserveDemand } from '../flows/preserve-demand.ts';
import { liftHold } from '../flows/release-hold.ts';
import { sealExport } from '../flows/seal-export.ts';
import { sendLetter, sendNotice } from '../flows/send-notice.ts';
import type { TaskName } from '../ledger/decision.ts';

const text = (payload: TaskPayload, name: string): string => {
  const value = payload[name];
  if (typeof value !== 'string') throw new Error(`the task has no ${name}`);
  return value;
};

/** Every task's flow. A missing one does not compile. */
export function taskHandlers(office: Office): Readonly<Record<TaskName, (payload: TaskPayload) => Promise<void>>> {
  return {
    'place-hold': async (task) => void (await settleHold(office, text(task, 'hold'))),
    'lift-hold': (task) => liftHold(office, text(task, 'hold')),
    'preserve-demand': (task) => preserveDemand(office, text(task, 'demand')),
    'execute-run': (task) => executeRun(office, text(task, 'run')),
    'certify-run': (task) => certifyRun(office, text(task, 'run')),
    'send-notice': (task) =>
      sendNotice(office, {
        request: text(task, 'request'),
        template: text(task, 'template'),
        occasion: text(task, 'occasion'),
      }),
    'send-letter': (task) => sendLetter(office, text(task, 'notice')),
    'gather-findings': (task) => gatherFindings(office, text(task, 'request')),
    'prepare-access-package': (task) => prepareAccessPackage(office, text(task, 'request')),
    'erase-subject': (task) => eraseSubject(office, text(task, 'request')),
    'collect-export': (task) => collectExport(office, text(task, 'export')),
    'seal-export': (task) => sealExport(office, text(task, 'export')),
    'deliver-access-package': (task) => deliverAccessPackage(office, text(task, 'request'), text(task, 'export')),
    'send-alarm': (task) => sendAlarm(office, text(task, 'alarm')),
    'watch-incident': (task) => watchIncident(office, text(task, 'incident'), Number(task.opening)),
  };
}
