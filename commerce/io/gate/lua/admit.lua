-- Admits one tap. Its rule in Python, and its oracle in tests, is commerce/orders/gate.py.
--
-- KEYS  1 epoch  2 idem:{order}  3 orders (stream)  4 products  5 open  6 group:{group}
--       7 seats:{group}  8 bought:{guest}:{product}  9 available  10 held  11 holds  12 hold
-- ARGV  1 now
--       2 order|body hash|guest|estate|room|product|quantity|group|explicit (1, 0)|expected price or
--         nothing|origin
--       3 hold ms|idempotency ms|limit window ms|backlog max|seats kept ms
--       4 candidate stores, best first, each followed by |
-- Gives {status, a, b, c}.

if redis.call('EXISTS', KEYS[1]) == 0 then return {'not-ready'} end

local now = tonumber(ARGV[1])
local order, body, guest, estate, room, product, quantity_text, group, explicit_text, expected,
  origin = string.match(ARGV[2], '^' .. string.rep('([^|]*)|', 10) .. '([^|]*)$')
local hold_ms, idempotency_ms, window_ms, backlog_max, seats_ms =
  string.match(ARGV[3], '^(%d+)|(%d+)|(%d+)|(%d+)|(%d+)$')
local quantity, explicit = tonumber(quantity_text), explicit_text == '1'

local known = redis.call('GET', KEYS[2])
if known then
  local known_body, refusal, left = string.match(known, '^(%S+) (%S+) (%d+)$')
  if known_body ~= body then return {'refused', 'key-reused', '0'} end
  if refusal ~= '-' then return {'refused', refusal, left} end
  return {'replayed'}
end

local function refuse(refusal, left)
  left = string.format('%d', left)
  redis.call('SET', KEYS[2], body .. ' ' .. refusal .. ' ' .. left, 'PX', idempotency_ms)
  return {'refused', refusal, left}
end

if redis.call('XLEN', KEYS[3]) >= tonumber(backlog_max) then return {'busy'} end

local place = estate .. '|' .. product
if not explicit then
  local open = redis.call('HGET', KEYS[5], place) or ''
  if open ~= group then return {'group', open} end
end

local facts = redis.call('HGET', KEYS[4], product)
if not facts then return refuse('not-on-sale', 0) end
local price, limit, on_sale = string.match(facts, '^(%d+) (%d+) (%d)$')
if on_sale ~= '1' then return refuse('not-on-sale', 0) end

local ends
local terms = group ~= '' and redis.call('GET', KEYS[6])
if terms then
  local group_place, group_price
  group_place, group_price, ends = string.match(terms, '^(%S+) (%d+) (%d+)$')
  if group_place == place and tonumber(ends) > now then price = group_price else terms = false end
end
if not terms then
  if explicit then return refuse('group-closed', 0) end
  group = ''
end

if expected ~= '' and expected ~= price then return refuse('price-changed', tonumber(price)) end
if terms and redis.call('HEXISTS', KEYS[7], guest) == 1 then return refuse('already-joined', 0) end

local bought = tonumber(redis.call('GET', KEYS[8]) or '0')
if bought + quantity > tonumber(limit) then
  return refuse('limit-reached', math.max(0, tonumber(limit) - bought))
end

local store, most = nil, 0
for candidate in string.gmatch(ARGV[4], '([^|]+)|') do
  local free = tonumber(redis.call('HGET', KEYS[9], product .. '|' .. candidate) or '0')
  if free >= quantity then store = candidate break end
  if free > most then most = free end
end
if not store then return refuse('sold-out', most) end

local row = product .. '|' .. store
redis.call('HINCRBY', KEYS[9], row, -quantity)
redis.call('HINCRBY', KEYS[10], row, quantity)
if terms then
  redis.call('HSET', KEYS[7], guest, order)
  redis.call('PEXPIREAT', KEYS[7], string.format('%d', tonumber(ends) + tonumber(seats_ms)))
end
if redis.call('INCRBY', KEYS[8], quantity) == quantity then
  redis.call('PEXPIRE', KEYS[8], window_ms)
end
local entry = redis.call('XADD', KEYS[3], '*', 'tap', table.concat({
  order, body, guest, estate, room, product, quantity_text, price, group, store, ARGV[1], origin}, '|'))
redis.call('ZADD', KEYS[11], string.format('%d', now + tonumber(hold_ms)), order)
redis.call('HSET', KEYS[12], order, table.concat({row, quantity_text, group, guest, entry}, '|'))
redis.call('SET', KEYS[2], body .. ' - 0', 'PX', idempotency_ms)
return {'admitted', store, price, group}
