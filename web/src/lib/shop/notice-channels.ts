/** Which messages a guest wants by which channel, as `/api/me/push` has it. */

export const CHANNELS = ['push', 'wechat', 'sms'] as const
export type Channel = (typeof CHANNELS)[number]

export interface Wanted {
  /** Kinds that come by no channel. */
  muted: string[]
  /** Kinds that one channel does not bring. */
  muted_by: Partial<Record<Channel, string[]>>
  quiet_from_hour: number
  quiet_until_hour: number
}

export function wants(wanted: Wanted, kind: string, channel: Channel): boolean {
  return !wanted.muted.includes(kind) && !wanted.muted_by[channel]?.includes(kind)
}

/** What is wanted once a channel brings a kind or no longer does; other channels stay as they are. */
export function choose(wanted: Wanted, kind: string, channel: Channel, on: boolean): Wanted {
  const muted_by: Wanted['muted_by'] = {}
  for (const each of CHANNELS) {
    const isOn = each === channel ? on : wants(wanted, kind, each)
    const others = (wanted.muted_by[each] ?? []).filter((other) => other !== kind)
    muted_by[each] = isOn ? others : [...others, kind]
  }
  return { ...wanted, muted: wanted.muted.filter((other) => other !== kind), muted_by }
}

/** The kinds that no channel of a guest brings: they are on the page alone. */
export function onPageOnly(
  wanted: Wanted,
  kinds: readonly string[],
  channels: Partial<Record<Channel, string[]>>,
): string[] {
  const reaches = (kind: string) =>
    CHANNELS.some((channel) => channels[channel]?.includes(kind) && wants(wanted, kind, channel))
  return kinds.filter((kind) => !reaches(kind))
}
