/** The brand's own settings. */
import type { Section } from '../sections'
import BrandSettings from './BrandSettings.vue'
import { en } from './words.en'
import { zh } from './words.zh'

export default { page: BrandSettings, words: { zh, en } } satisfies Section
