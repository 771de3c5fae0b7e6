import { isIP } from 'node:net';

/**
 * The network a call comes from: an IPv4 address, or the /64 of an IPv6 address, since one household has 2^64 of those.
 * `X-Forwarded-For` can be written by anybody, so it is read from the right, and only across as many proxies as the
 * operator said there are: with one proxy its last entry is what that proxy saw.
 * @param socketAddress who is connected
 * @param forwardedFor the header as it came
 * @param proxies how many proxies stand before Muniment; 0: the header is not read
 * @returns null when the address is none
 */
export function clientNetwork(
  socketAddress: string | undefined,
  forwardedFor: string | undefined,
  proxies: number,
): string | null {
  const hops = forwardedFor === undefined ? [] : forwardedFor.split(',').map((part) => part.trim());
  // Fewer entries than proxies: somebody came past a proxy, and what is there was written by whoever they are.
  const address = proxies === 0 || hops.length < proxies ? socketAddress : hops.at(-proxies);
  return address === undefined ? null : networkOf(address);
}

function networkOf(written: string): string | null {
  const address = written.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '').replace(/%.*$/s, '');
  const version = isIP(address);
  if (version === 4) return address;
  if (version !== 6) return null;
  const [head = '', tail] = address.toLowerCase().split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups =
    tail === undefined ? left : [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}
