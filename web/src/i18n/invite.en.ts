/** The words of the page of a one-time link, in English. */
import type { zh } from './invite.zh'

export const en: typeof zh = {
  invite: {
    title_invitation: 'Welcome to {brand}',
    title_reset: 'Choose a new password',
    title_over: 'This link no longer works',
    over: 'It was used or has expired. Ask the head office for a new one.',
    who: '{name}, your user name is {username}: you log in with it.',
    password: 'Password',
    again: 'Once more',
    hint: 'At least 10 characters; not your user name, a birthday, a phone number or a common password.',
    submit: 'Save the password',
    busy: 'Saving…',
    problem_differ: 'The two passwords are not the same.',
    problem_weak: 'This password is easily guessed. Choose a longer one.',
    problem_rate_limited: 'Too many attempts. Please try again in a while.',
    problem_unreachable: 'The server cannot be reached. Check your connection and try again.',
    done: 'The password is saved',
    done_hint: 'Other devices are logged out. Log in with the new password.',
    open_hq: 'To the head office',
    open_host: 'To going live',
    open_store: 'To the store desk',
    open_leader: 'To the leader’s page',
  },
}
