/** The wall: what the brand sells now, on a television or a phone. */
import type { Section } from '../sections'
import WallPage from './WallPage.vue'
import { en } from './words.en'
import { zh } from './words.zh'

export default { page: WallPage, words: { zh, en } } satisfies Section
