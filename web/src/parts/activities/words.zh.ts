/** The words of what a room does together, in Chinese: the room's and the host's page share them. */
export const zh = {
  poll: {
    label: '投票',
    open: '还剩 {time}',
    closed: '投票结束，共 {n} 户',
    votes: '{n} 户已投',
    yours: '你家投了这一项',
    failed: '这一票没有投出去，请再试一次。',
    other_estate: '这个直播间不面向你的小区。',
  },
  questions: {
    open: '问主播',
    open_count: '问主播，{n} 个问题',
    title: '大家想问',
    placeholder: '想问主播什么？',
    ask: '提问',
    empty: '还没有人提问，问第一个吧。',
    want: '我也想问',
    wanted: '已同问',
    count: '{n} 户想知道',
    answered: '已回答',
    asked: '问出去了，同样的问题会合在一起。',
    not_live: '开播以后才能提问。',
    too_many: '你家已有 3 个问题在等回答。',
    failed: '没有问出去，请再试一次。',
  },
  notice_board: {
    label: '公告',
  },
}
