/** The words of co-hosts, in English. */
import type { zh } from './words.zh'

export const en: typeof zh = {
  cohosts: {
    title: 'Co-hosts',
    hint: 'A colleague of the brand who opens the link and logs in may pin, explain, answer, chat, and start polls, flash sales and lucky bags. It ends with the live. At most {n}.',
    none: 'No co-hosts yet.',
    waits: 'An invitation that nobody has accepted',
    since: 'Since {time}',
    invite: 'Invite a co-host',
    link: 'Link of the invitation',
    once: 'The link is shown once, and is for one colleague within 24 hours.',
    copy: 'Copy link',
    copied: 'Copied',
    revoke: 'Dismiss',
    revoke_who: 'Dismiss {name}',
    withdraw: 'Withdraw',
    full: 'There are enough co-hosts and invitations. Dismiss one first.',
    failed: 'That did not work. Please try again.',
    desk: 'Co-host',
    joining: 'Joining…',
    gone_title: 'This invitation holds no more',
    gone: 'Somebody has used it, the host has withdrawn it, or the live is over. Ask the host for a new one.',
    ended_title: 'You are no co-host any more',
    ended: 'The host has dismissed you, or the live is over.',
    forbidden_title: 'This account cannot be a co-host',
    forbidden: 'Log in with an account of the brand’s staff.',
    retry: 'Try again',
  },
}
