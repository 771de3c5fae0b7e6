import { formatInstant } from '../core/instants.ts';
import { parsePeriod } from '../core/periods.ts';
import { isRefusal } from '../core/refusal.ts';
import { createToken, invitePerson } from '../flows/create-actor.ts';
import { flag, Misuse, option, readWords, required } from './arguments.ts';
import { type OfficeVerb, parseRole, printOutcome, printRefusal } from './verb.ts';

/** Make an API token for a named actor. */
export const tokenCreate: OfficeVerb = {
  usage: 'token create --name N --role R [--expires P] [--can-approve] [--scope PERMISSION]...',
  async run(office, actor, words, out) {
    const parsed = readWords(words, ['name', 'role', 'expires', 'scope'], ['can-approve', 'json']);
    if (parsed.positional.length > 0) throw new Misuse(`"${parsed.positional[0]}" is one word too many.`);
    const written = option(parsed, 'expires');
    const expires = written === null ? null : parsePeriod(written);
    if (isRefusal(expires)) return printRefusal(out, expires);
    const made = await createToken(office, actor, {
      name: required(parsed, 'name'),
      role: parseRole(required(parsed, 'role')),
      expires,
      canApprove: flag(parsed, 'can-approve'),
      ...(parsed.options.has('scope') ? { scopes: parsed.options.get('scope') ?? [] } : {}),
    });
    return printOutcome(
      out,
      made,
      ({ token, actor: id, role, expiresAt }) => [
        token,
        `for ${id} (${role}) until ${formatInstant(expiresAt)}. It is shown once: keep it in a secret store.`,
      ],
      ({ token, actor: id, role, expiresAt }) => ({ token, actor: id, role, expiresAt: formatInstant(expiresAt) }),
    );
  },
};

/** Invite a person; how the first administrator is made. */
export const userCreate: OfficeVerb = {
  usage: 'user create --email E --name N --role R [--title T]',
  async run(office, actor, words, out) {
    const parsed = readWords(words, ['email', 'name', 'role', 'title'], ['json']);
    const made = await invitePerson(office, actor, {
      email: required(parsed, 'email'),
      name: required(parsed, 'name'),
      role: parseRole(required(parsed, 'role')),
      title: option(parsed, 'title'),
    });
    return printOutcome(out, made, ({ link, expiresAt }) => [
      link,
      `Send this link to them over a channel you trust; it works once, until ${expiresAt}.`,
    ]);
  },
};
