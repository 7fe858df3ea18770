/** The words that the room's and the host's page share, in Chinese. */
export const zh = {
  chat: {
    label: '聊天',
    placeholder: '和邻居聊聊…',
    send: '发送',
    joined: '{name} 来了',
    offline: '现在发不出去，网络恢复后再试。',
    too_fast: '说得太快了，歇一下再发。',
    refused: '这条消息没有发出去。',
    empty: '还没有人说话，打个招呼吧。',
    like: '点赞，共 {n} 个赞',
  },
  role: {
    host: '店主',
    moderator: '管理',
    store: '门店',
  },
  group: {
    open: '本小区已有 {joined} 位邻居参团，还差 {left} 人成团！',
    reached: '成团啦！本小区已有 {joined} 位邻居参团',
    expired: '这次没有成团，已参团的邻居自动退款',
    closed: '本小区这次拼团已结束',
    ends_in: '剩余',
    progress: '参团进度 {joined}/{target}',
  },
  price: {
    was: '原价 {price}',
    member: '会员价 {price}',
    sold_out: '已抢光',
  },
}
