/** The words of the replay's page, in Chinese. */
export const zh = {
  replay: {
    title: '直播回放',
    clip: '商品讲解',
    missing: '没有找到这场回放',
    missing_hint: '回放可能已过保留期，或者链接写错了。',
    failed: '回放暂时放不了',
    failed_hint: '请检查网络后再试一次。',
    video: '{title}，{when} 的直播回放',
    moments: '看讲解',
    moment: '看“{name}”的讲解，从 {time} 开始',
    no_moments: '这场直播没有讲解商品。',
    off_sale: '已下架',
    whole: '看整场回放',
    share: '分享',
    shared: '链接已复制',
    share_failed: '没有复制成功，请从地址栏复制链接。',
    to_live: '去直播间',
    group_then: '直播当时：{joined} / {target} 人参团',
    at_time: '当时的画面和聊天',
  },
}
