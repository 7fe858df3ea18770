/** One's own log-in: an authenticator app beside the password. */
import type { Section } from '../sections'
import Security from './Security.vue'
import { en } from './words.en'
import { zh } from './words.zh'

export default { page: Security, words: { zh, en } } satisfies Section
