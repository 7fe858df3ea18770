/** All words of the room's page. */
import { en as afterEn } from './after-sale.en'
import { zh as afterZh } from './after-sale.zh'
import { en as commonEn } from './common.en'
import { zh as commonZh } from './common.zh'
import type { PageWords } from './index'
import { en as liveEn } from './live.en'
import { zh as liveZh } from './live.zh'
import { en } from './room.en'
import { zh } from './room.zh'
import { en as shopEn } from './shop.en'
import { zh as shopZh } from './shop.zh'

export const words = {
  zh: { ...commonZh, ...afterZh, ...liveZh, ...shopZh, ...zh },
  en: { ...commonEn, ...afterEn, ...liveEn, ...shopEn, ...en },
} satisfies PageWords
