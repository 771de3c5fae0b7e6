import { makeId } from '../core/ids.ts';
import { markNotice, type Notice, noticeById, noticeByKey, queueNotice } from '../db/notices.ts';
import { loadRequest } from '../db/requests.ts';
import { type NoticeFacts, type NoticeTemplate, noticeTemplates, writeNotice } from '../notices/templates.ts';
import { groundInWords } from '../requests/grounds.ts';
import { codeAddress, type RequestType, type SubjectRequest } from '../requests/request.ts';
import type { Office } from './office.ts';

/** What the person asked for, in the portal's words. */
const askedFor: Record<RequestType, string> = {
  access: 'a copy of your data',
  erasure: 'the deletion of your data',
  portability: 'your data in a form other services can read',
  rectification: 'a correction of your data',
  restriction: 'a pause in the use of your data',
  objection: 'a stop to a use of your data',
  opt_out: 'a stop to the sale and sharing of your data',
};

export function noticeKey(request: string, template: string, occasion: string): string {
  return `${request}/${template}/${occasion}`;
}

/** "21 December 2026" of an ISO date. */
export function dateInWords(date: string, locale = 'en-GB'): string {
  return Temporal.PlainDate.from(date).toLocaleString(locale, { dateStyle: 'long' });
}

/** Write a notice's text from what the request now says. */
export function composeNotice(
  office: Office,
  request: SubjectRequest,
  template: NoticeTemplate,
  extra: Partial<NoticeFacts> = {},
): { subject: string; text: string } {
  const { organization } = office.policy;
  const { receipt } = request;
  const sum = (list: readonly { count: number }[]) => list.reduce((total, { count }) => total + count, 0);
  return writeNotice(template, {
    organization: organization.name,
    privacyContact: organization.privacy.email,
    reference: request.reference,
    asked: askedFor[request.type],
    dueOn: request.deadline.dueOn === null ? null : dateInWords(request.deadline.dueOn),
    statusUrl: `${office.publicUrl}/status?reference=${request.reference}`,
    ...reasonFor(request, template),
    ...(receipt === null
      ? {}
      : {
          receipt: {
            destroyed: sum(receipt.destroyed),
            masked: sum(receipt.masked),
            kept: sum(receipt.kept),
            grounds: [...new Set(receipt.kept.map(({ ground }) => groundInWords(ground)))],
          },
        }),
    ...extra,
  });
}

/** Why: of an extension what staff wrote for the person, of an answer its ground in words. */
function reasonFor(request: SubjectRequest, template: NoticeTemplate): Pick<NoticeFacts, 'reason'> {
  if (template === 'request-extended') {
    const told = request.clockEvents.findLast(({ type }) => type === 'extension_notice')?.reason;
    return typeof told === 'string' ? { reason: told } : {};
  }
  return request.reason === null ? {} : { reason: groundInWords(request.reason) };
}

/** The task: send a notice, once. What was written down for it is sent as it stands; otherwise it is written now. */
export async function sendNotice(
  office: Office,
  order: { request: string; template: string; occasion: string },
): Promise<void> {
  const key = noticeKey(order.request, order.template, order.occasion);
  const request = await loadRequest(office.store, order.request);
  const template = noticeTemplates.find((known) => known === order.template);
  if (!request || !template) throw new Error(`no notice ${order.template} for ${order.request}`);
  let notice = await noticeByKey(office.store, key);
  if (!notice) {
    const to = codeAddress(request.subject.reveal())?.value;
    // Somebody who wrote on paper is answered on paper; the case page shows the text to print.
    if (to === undefined) return;
    const now = office.now();
    const row = { id: makeId('notice', now, office.random(10)), caseId: request.caseId, template, key, queuedAt: now };
    await queueNotice(office.store, row, { to, ...composeNotice(office, request, template) });
    notice = await noticeByKey(office.store, key);
  }
  if (!notice) throw new Error('the notice just written is not there');
  await sendQueued(office, notice);
}

/** The task: send a letter that was written down before, once. */
export async function sendLetter(office: Office, id: string): Promise<void> {
  const notice = await noticeById(office.store, id);
  if (!notice) throw new Error(`there is no letter ${id}`);
  await sendQueued(office, notice);
}

async function sendQueued(office: Office, notice: Notice): Promise<void> {
  if (notice.state !== 'queued') return;
  const { to, subject, text } = notice.letter.reveal();
  const outcome = await office.post.send({
    to,
    subject,
    text,
    messageId: `<${notice.id}@${new URL(office.publicUrl).hostname}>`,
  });
  await markNotice(office.store.db.orm, notice.id, outcome, office.now());
}
