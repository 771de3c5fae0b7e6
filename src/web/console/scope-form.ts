import type { WrittenHoldScope } from '../../policy/hold.ts';
import { textOf } from '../reply.ts';

/** Every text field of a form, to show it again as it was filled in. */
export function valuesOf(form: FormData): Readonly<Record<string, string>> {
  return Object.fromEntries([...form].flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])));
}

/**
 * The scope that the fields of a hold or an export describe.
 * @param conversations the dataset whose key a conversation's id is; null where the data map has none
 */
export function scopeOf(
  form: FormData,
  conversations: { readonly dataset: string; readonly column: string } | null,
): WrittenHoldScope {
  const list = (name: string) =>
    textOf(form, name)
      .split(/[\s,;]+/)
      .filter((part) => part !== '');
  const subjects = list('emails').map((value) => ({ kind: 'email', value }));
  const ids = list('conversations');
  const datasets = list('datasets');
  const [from, to] = [textOf(form, 'from'), textOf(form, 'to')];
  return {
    ...(subjects.length > 0 ? { subjects } : {}),
    ...(ids.length > 0 && conversations
      ? { keys: { [conversations.dataset]: ids.map((id) => ({ [conversations.column]: id })) } }
      : {}),
    ...(datasets.length > 0 ? { datasets } : {}),
    ...(from ? { from } : {}),
    ...(to ? { to } : {}),
  };
}
