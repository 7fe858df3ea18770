-- Admits one tap. Its rule in Python, and its oracle in tests, is commerce/orders/gate.py; what
-- stands behind a dollar sign is filled in by commerce/io/gate/codec.py.
--
-- KEYS  1 epoch  2 idem:{order}  3 orders (stream)  4 products  5 open  6 group:{group}
--       7 seats:{group}  8 bought:{household}:{product}  9 available  10 held  11 holds  12 hold
-- ARGV  1 now
--       2 the tap
--       3 hold ms|idempotency ms|limit window ms|backlog max|seats kept ms
--       4 candidate stores, best first, each followed by |
-- Gives {status, a, b, c}.

if redis.call('EXISTS', KEYS[1]) == 0 then return {'not-ready'} end

local at_ms = ARGV[1]
local now = tonumber(at_ms)
local $TAP = string.match(ARGV[2], $TAP_PATTERN)
local hold_ms, idempotency_ms, window_ms, backlog_max, seats_ms =
  string.match(ARGV[3], '^(%d+)|(%d+)|(%d+)|(%d+)|(%d+)$')
local units = tonumber(quantity)
explicit = explicit == '1'
if household_id == '' then household_id = guest_id end

local known = redis.call('GET', KEYS[2])
if known then
  local known_body, refusal, left = string.match(known, $KEY_PATTERN)
  if known_body ~= body_hash then return {'refused', 'key-reused', '0'} end
  if refusal ~= '-' then return {'refused', refusal, left} end
  return {'replayed'}
end

local function refuse(refusal, left)
  left = string.format('%d', left)
  redis.call('SET', KEYS[2], body_hash .. ' ' .. refusal .. ' ' .. left, 'PX', idempotency_ms)
  return {'refused', refusal, left}
end

if redis.call('XLEN', KEYS[3]) >= tonumber(backlog_max) then return {'busy'} end

local place = estate_id .. '|' .. product_id
if not explicit then
  local open = redis.call('HGET', KEYS[5], place) or ''
  if open ~= group_id then return {'group', open} end
end

local offers = redis.call('HMGET', KEYS[4], place .. '|' .. room_id, place, product_id)
local facts = offers[1] or offers[2] or offers[3]
if not facts then return refuse('not-on-sale', 0) end
local price_fen, limit, on_sale = string.match(facts, '^(%d+) (%d+) (%d)$')
if on_sale ~= '1' then return refuse('not-on-sale', 0) end

local ends
local terms = group_id ~= '' and redis.call('GET', KEYS[6])
if terms then
  local group_place, group_price
  group_place, group_price, ends = string.match(terms, '^(%S+) (%d+) (%d+)$')
  if group_place == place and tonumber(ends) > now then
    price_fen = group_price
  else
    terms = false
  end
end
if not terms then
  if explicit then return refuse('group-closed', 0) end
  group_id = ''
end

if expected_price_fen ~= '' and expected_price_fen ~= price_fen then
  return refuse('price-changed', tonumber(price_fen))
end
if terms and redis.call('HEXISTS', KEYS[7], household_id) == 1 then
  return refuse('already-joined', 0)
end

local bought = tonumber(redis.call('GET', KEYS[8]) or '0')
if bought + units > tonumber(limit) then
  return refuse('limit-reached', math.max(0, tonumber(limit) - bought))
end

local store_id, most = nil, 0
for candidate in string.gmatch(ARGV[4], '([^|]+)|') do
  local free = tonumber(redis.call('HGET', KEYS[9], product_id .. '|' .. candidate) or '0')
  if free >= units then store_id = candidate break end
  if free > most then most = free end
end
if not store_id then return refuse('sold-out', most) end

local row = product_id .. '|' .. store_id
redis.call('HINCRBY', KEYS[9], row, -units)
redis.call('HINCRBY', KEYS[10], row, units)
if terms then
  redis.call('HSET', KEYS[7], household_id, order_id)
  redis.call('PEXPIREAT', KEYS[7], string.format('%d', tonumber(ends) + tonumber(seats_ms)))
end
if redis.call('INCRBY', KEYS[8], quantity) == units then
  redis.call('PEXPIRE', KEYS[8], window_ms)
end
local entry_id = redis.call('XADD', KEYS[3], '*', 'tap', $ENTRY)
redis.call('ZADD', KEYS[11], string.format('%d', now + tonumber(hold_ms)), order_id)
redis.call('HSET', KEYS[12], order_id, $HOLD_TEXT)
redis.call('SET', KEYS[2], body_hash .. $KEY_ADMITTED, 'PX', idempotency_ms)
return {'admitted', store_id, price_fen, group_id}
