/** The words of the host's side of coupons, which no other page loads. */
import type { LocalText } from '../base/wire'

export const HOST_WORDS = {
  start: { zh: '发给直播间', en: 'Release in the room' },
  close: { zh: '结束发券', en: 'End the release' },
  nothing: {
    zh: '总部还没有可以发的直播间优惠券。',
    en: 'Head office has no coupons for rooms yet.',
  },
  failed: { zh: '没有成功，请再试一次。', en: 'That did not work, please try again.' },
  pieces: { zh: '张数', en: 'Pieces' },
  piece: { zh: '张', en: 'pieces' },
  duration: { zh: '时长', en: 'Duration' },
  seconds: { zh: '秒', en: 's' },
} satisfies Record<string, LocalText>
