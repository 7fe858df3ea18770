export const zh = {
  security: {
    title: '登录安全',
    explanation: '登录时除了密码，再输入验证器 App 里的 6 位数字。密码泄露了，别人也进不来。',
    is_on: '验证器已于 {day} 开启。',
    left: '还剩 {n} 个恢复码。',
    few_left: '恢复码快用完了：关闭后重新设置，就会有 10 个新的。',
    is_off: '还没有设置验证器。',
    is_needed: '你的品牌要求总部账号使用验证器，不能关闭。',
    off_code: '验证器里的 6 位数字，或一个恢复码',
    turn_off: '关闭验证器',
    turned_off: '验证器已关闭。',
  },
}
