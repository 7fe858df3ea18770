/** The words of scheduled lives, in Chinese: of the room's card and of the host's sheet. */
export const zh = {
  schedule: {
    label: '直播预告',
    next: '下一场',
    begins_in: '距开播',
    days: '{n} 天',
    soon: '马上开播，主播正在准备…',
    goods: '预告商品',
    open: '直播预告',
    title: '安排直播',
    none: '还没有安排下一场直播。',
    name: '主题',
    name_hint: '例如：周五海鲜之夜',
    teaser: '一句话介绍（可不填）',
    begins: '开播时间',
    pick: '预告商品，最多 {n} 件',
    save: '安排',
    cancel: '取消这一场',
    failed: '没有保存，请再试一次。',
    past: '开播时间要在未来 90 天之内。',
    full: '已安排的直播太多了，先取消几场。',
  },
}
