#!lua name=jobcast
-- The jobcast function library: everything that must be atomic, and the only place where a job's state changes.
-- Contract: docs/functions.md. KEYS[1] is the namespace; every other key is derived from it and shares its slot.
-- `math` and friends are looked up inside functions: at load time Redis 7.0 does not have them.

local VERSION = '1.6'

local FINAL = {done = true, failed = true, cancelled = true}
local STATUSES = {pending = true, processing = true, retrying = true, done = true, failed = true, cancelled = true}
local MAX_TIME = 9007199254740991
local YEAR = 31536000000

-- What reports call most, found by the first call: while a library is loaded they are not there, and to look them up takes
-- a thirtieth of a report.
local call, sub, find, format, pack, unpacked

-- What the caller did wrong. Raised as a table and turned into an error reply at the entry: `JOBCAST <field>: <what to change>`.
-- The field may be named by the caller, and an error reply is one line that a NUL cuts off.
local function refuse(field, detail)
  field = string.gsub(string.sub(field, 1, 80), '[^%w._:-]', '?')
  error({jobcast = 'JOBCAST ' .. field .. ': ' .. detail}, 0)
end

---------------------------------------------------------------------------------------------------------------- text
-- Free text is never refused for its bytes, only for its length: broken UTF-8 becomes U+FFFD, control characters are
-- escaped. What leaves here is a JSON string on one line, so that no text can end a line of an event stream.

local ESCAPES = {['"'] = '\\"', ['\\'] = '\\\\', ['\n'] = '\\n', ['\r'] = '\\r', ['\t'] = '\\t'}
local function escape(c) return ESCAPES[c] or string.format('\\u%04x', string.byte(c)) end

-- How many bytes the well-formed UTF-8 sequence at `i` takes, or nil (Unicode 15, table 3-7).
local function sequence(s, i)
  local a, b, c, d = string.byte(s, i, i + 3)
  local function tail(x) return x and x >= 0x80 and x <= 0xbf end
  if a < 0x80 then return 1 end
  if a >= 0xc2 and a <= 0xdf then return tail(b) and 2 or nil end
  if a >= 0xe0 and a <= 0xef then
    local low, high = a == 0xe0 and 0xa0 or 0x80, a == 0xed and 0x9f or 0xbf
    return b and b >= low and b <= high and tail(c) and 3 or nil
  end
  if a >= 0xf0 and a <= 0xf4 then
    local low, high = a == 0xf0 and 0x90 or 0x80, a == 0xf4 and 0x8f or 0xbf
    return b and b >= low and b <= high and tail(c) and tail(d) and 4 or nil
  end
  return nil
end

-- Calls `bad` with the position of each byte that is part of no sequence; stops when it answers true.
local function each_bad_byte(s, bad)
  local i = string.find(s, '[\128-\255]')
  while i do
    local n = sequence(s, i)
    if not n and bad(i) then return end
    i = string.find(s, '[\128-\255]', i + (n or 1))
  end
end

local function repaired(s)
  local parts, from = {}, 1
  each_bad_byte(s, function(i)
    parts[#parts + 1] = string.sub(s, from, i - 1)
    parts[#parts + 1] = '\239\191\189'
    from = i + 1
  end)
  if #parts == 0 then return s end
  parts[#parts + 1] = string.sub(s, from)
  return table.concat(parts)
end

-- Answers the text as JSON, and true if it is not as it was.
local function quoted(s)
  -- All of ASCII that needs no escape. Three ranges, the one with the small letters first, take a third of the time of classes.
  if not string.find(s, '^[]-~#-[ -!]*$') then
    s = string.gsub(repaired(s), '[%z\1-\31"\\\127]', escape)
    return '"' .. s .. '"', true
  end
  return '"' .. s .. '"'
end

------------------------------------------------------------------------------------------------------------ raw JSON
-- `result`, `input`, `notify` are kept as sent: cjson would turn [] into {} and round numbers. That makes this check a
-- security boundary, because cjson alone accepts raw newlines in strings (which forge events), NaN, 0x1F and 01.

local function is_number(token)
  local rest = string.match(token, '^%-?0(.*)$') or string.match(token, '^%-?[1-9]%d*(.*)$')
  if not rest then return false end
  rest = string.match(rest, '^%.%d+(.*)$') or rest
  return rest == '' or string.match(rest, '^[eE][+-]?%d+$') ~= nil
end

-- The text with every string taken out, for looking at what stands between them.
local function without_strings(s)
  local parts, from = {}, 1
  while true do
    local open = string.find(s, '"', from, true)
    if not open then break end
    parts[#parts + 1] = string.sub(s, from, open - 1)
    local i = open + 1
    while true do
      i = string.find(s, '["\\]', i)
      if not i then return nil end
      if string.byte(s, i) == 34 then break end
      i = i + 2
    end
    from = i + 1
  end
  parts[#parts + 1] = string.sub(s, from)
  return table.concat(parts, ' ')
end

local function raw_json(field, s, limit)
  if #s > limit then refuse(field, 'at most ' .. limit .. ' bytes of JSON, this has ' .. #s) end
  s = string.gsub(s, '[\r\n\t]', ' ')
  if string.find(s, '[%z\1-\31]') then refuse(field, 'no control characters in JSON; escape them as \\u00XX') end
  each_bad_byte(s, function() refuse(field, 'JSON must be valid UTF-8') end)
  local bare = without_strings(s)
  if not bare or not string.find(s, '[^ ]') or not pcall(cjson.decode, s) then refuse(field, 'this is not valid JSON') end
  local depth = 0
  for bracket in string.gmatch(bare, '[%[%]{}]') do
    if bracket == '[' or bracket == '{' then
      depth = depth + 1
      if depth > 32 then refuse(field, 'JSON may be nested 32 deep') end
    else
      depth = depth - 1
    end
  end
  for token in string.gmatch(bare, '[^ %[%]{},:]+') do
    if token ~= 'true' and token ~= 'false' and token ~= 'null' and not is_number(token) then
      refuse(field, 'this is not valid JSON: ' .. string.sub(string.gsub(token, '[^%w.+-]', '?'), 1, 20) .. ' is no value')
    end
  end
  return s
end

-------------------------------------------------------------------------------------------------------------- values

local function number(field, s, lowest, highest)
  local n = is_number(s) and tonumber(s) or nil
  if not n or n < lowest or n > highest then
    refuse(field, 'a number from ' .. lowest .. ' to ' .. string.format('%.0f', highest))
  end
  return n
end

local function integer(field, s, lowest, highest)
  local n = string.match(s, '^%-?%d+$') and tonumber(s) or nil
  if not n or n < lowest or n > highest then
    refuse(field, 'a whole number from ' .. lowest .. ' to ' .. string.format('%.0f', highest))
  end
  return n
end

-- As JSON, without losing digits and without an exponent for what is whole. `%d` takes a sixth of the time of `%.0f`.
local function digits(n)
  if n % 1 == 0 then return string.format('%d', n) end
  return string.format('%.10g', n)
end

local function text(field, s, limit)
  if #s > limit then refuse(field, 'at most ' .. limit .. ' bytes, this has ' .. #s) end
  return s
end

local function name(field, s, limit)
  if #s < 1 or #s > limit or string.find(s, '[^%w._:-]') then
    refuse(field, '1 to ' .. limit .. ' of the characters A-Z a-z 0-9 . _ : -')
  end
  return s
end

-- A name that programs give. Viewers see it, so there is no room in it for a sentence or a traceback.
local function program_name(field, s)
  if #s > 128 or string.find(s, '[^%w._:\\-]') then refuse(field, 'up to 128 of the characters A-Z a-z 0-9 . _ : \\ -; write sentences in error.title') end
  return s
end

local function link(field, s)
  text(field, s, 2000)
  local lower = string.lower(s)
  if not (string.find(lower, '^https?://[^/]') or string.find(s, '^/[^/\\]') or s == '/') or string.find(s, '[%z\1-\32"<>\\^`{|}\127]') then
    refuse(field, 'an http or https address, or a path that begins with /')
  end
  return s
end

local function one_of(field, s, allowed)
  for _, one in ipairs(allowed) do if s == one then return s end end
  refuse(field, 'one of ' .. table.concat(allowed, ', '))
end

local function encoded(s)
  return (string.gsub(s, '[^%w%-._~]', function(c) return string.format('%%%02X', string.byte(c)) end))
end

local function now()
  local t = redis.call('TIME')
  return tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
end

-- The same as text. All have 13 digits until the year 2286, so that they compare as texts. To cut the microseconds takes a
-- third of what it takes to reckon.
local LEADING = {[4] = '00', [5] = '0', [6] = ''}
local function time_now()
  local t = call('TIME')
  local micros = t[2]
  local n = #micros
  return n > 3 and t[1] .. LEADING[n] .. sub(micros, 1, n - 3) or t[1] .. '000'
end

-- What may take long stops after so many microseconds, so that reports are not held up.
local AT_A_TIME_US = 5000

local function microseconds()
  local t = redis.call('TIME')
  return tonumber(t[1]) * 1000000 + tonumber(t[2])
end

-- Of two ids of stream entries.
local function is_before(a, b)
  local a_time, a_number = string.match(a, '^(%d+)-(%d+)$')
  local b_time, b_number = string.match(b, '^(%d+)-(%d+)$')
  if a_time ~= b_time then return tonumber(a_time) < tonumber(b_time) end
  return tonumber(a_number) < tonumber(b_number)
end

-------------------------------------------------------------------------------------------------------------- fields
-- One table says what each field of a report or of a creation may be.

local function bounded(limit) return function(field, s) return text(field, s, limit) end end
local function present(limit)
  return function(field, s)
    if s == '' then refuse(field, 'a text that is not empty') end
    return text(field, s, limit)
  end
end
local function amount(field, s) return digits(number(field, s, 0, MAX_TIME)) end

local COMMON = {
  type = function(field, s) return name(field, s, 64) end,
  owner = present(128), tenant = present(128), group = present(128),
  max_attempts = function(field, s) return integer(field, s, 1, 1000) end,
  by = function(field, s) return name(field, s, 64) end,
  group_size = function(field, s) return integer(field, s, 1, 10000000) end,
  -- From the gateway: what the publisher may handle.
  for_types = bounded(8192), for_tenant = bounded(128),
}

local REPORT = {
  status = function(field, s) return one_of(field, s, {'pending', 'processing', 'retrying', 'done', 'failed', 'cancelled'}) end,
  attempt = function(field, s) return integer(field, s, 1, 1000000) end,
  lease = function(field, s) return number(field, s, 1, 604800) end,
  percent = function(field, s) return number(field, s, 0, 100) end,
  current = amount, total = amount,
  unit = bounded(100), step = bounded(100), message = bounded(500),
  eta = function(field, s) return digits(integer(field, s, 0, MAX_TIME)) end,
  ['error.code'] = program_name, ['error.title'] = bounded(200), ['error.detail'] = bounded(2000), ['error.action'] = bounded(2000),
  ['error.severity'] = function(field, s) return one_of(field, s, {'low', 'high'}) end,
  ['error.retryable'] = function(field, s) return one_of(field, s, {'true', 'false'}) end,
  ['error.link'] = link, ['error.reference'] = program_name, ['error.trace'] = bounded(16384),
  result = function(_, s) return s end,
  retry_in = function(field, s) return number(field, s, 0, YEAR / 1000) end,
  retry_at = function(field, s)
    local at = integer(field, s, 0, MAX_TIME)
    local today = now()
    if at > today + YEAR then refuse(field, 'at most a year ahead, in milliseconds since the epoch') end
    if at < today - YEAR then refuse(field, 'in milliseconds since the epoch; this is over a year ago') end
    return at
  end,
}

local CREATE = {
  notify = function(_, s) return s end, input = function(_, s) return s end,
  request = bounded(128),
  keyed = function(field, s) return one_of(field, s, {'1'}) end,
}

-- Reads `field value ...` from args[first] on. Labels come back in `labels`.
local function read_fields(args, first, own)
  if (#args - first + 1) % 2 ~= 0 then refuse(args[#args], 'every field needs a value') end
  local out = {}
  for i = first, #args, 2 do
    local field, value = args[i], args[i + 1]
    local label = string.match(field, '^labels%.(.*)$')
    if label then
      name(field, label, 64)
      out.labels = out.labels or {}
      if out.labels[label] then refuse(field, 'given twice') end
      out.labels[label] = text(field, value, 200)
    else
      local read = own[field] or COMMON[field]
      if not read then refuse(field, 'this is not a field; see docs/functions.md') end
      if out[field] ~= nil then refuse(field, 'given twice') end
      out[field] = read(field, value)
    end
  end
  return out
end

-------------------------------------------------------------------------------------------------------------- record
-- A job's hash holds its fields one by one, text already in JSON's form, so that building the record is one
-- concatenation; and `doc`, the record as it was last published. While a job is at work, `front` and `back` are what stands
-- around the parts of the record that progress changes, and what `now` has is newer than the fields of the same.

local KEPT = {
  'v', 'status', 'attempt', 'max', 'type', 'created', 'updated', 'started', 'finished', 'locked', 'retry_at', 'owner', 'tenant',
  'group', 'stalled', 'cancel', 'percent', 'current', 'total', 'unit', 'step', 'message', 'eta', 'eta_at', 'error', 'labels', 'result',
  'lease', 'retries', 'made', 'work', 'expires', 'retention', 'abandoned', 'expected', 'spread', 'gid', 'share', 'seen_at', 'seen_by',
}
local COUNT_KEPT = #KEPT
local READ = {}
for i = 1, COUNT_KEPT do READ[i] = KEPT[i] end
READ[COUNT_KEPT + 1] = 'now'

-- While a job is at work, `now` is all that a report of progress needs besides: until when its lifetime needs no renewal, when it
-- began, the attempt; when it was updated, version and percent (-1: none), which each report changes and writes nowhere else; and a
-- flag. That being 0, the scope is what is left. Being 1, it is expected, spread, eta, eta_at (-1: none), whether the job is of a batch, scope
-- and the middle of the progress. Binary: to make a string of each number takes as long as to ask Redis for it.
local HEAD, MORE, HEAD_SIZE = '<ddddddB', '<ddddBI2c0I2c0', 49

local function load(ns, id)
  local key = ns .. ':job:' .. id
  local h = redis.call('HMGET', key, unpack(READ))
  if not h[1] then return nil end
  -- Written out, so that the table has its size from the start: to let it grow takes a fifth of all that a call takes.
  local job = {
    id = id, key = key, stored = h,
    v = tonumber(h[1]), status = h[2] or nil, attempt = tonumber(h[3]), max = tonumber(h[4]), type = h[5] or nil,
    created = h[6] or nil, updated = tonumber(h[7] or nil), started = h[8] or nil, finished = h[9] or nil,
    locked = h[10] or nil, retry_at = h[11] or nil, owner = h[12] or nil, tenant = h[13] or nil,
    group = h[14] or nil, stalled = h[15] or nil, cancel = h[16] or nil, percent = h[17] or nil,
    current = h[18] or nil, total = h[19] or nil, unit = h[20] or nil, step = h[21] or nil, message = h[22] or nil,
    eta = h[23] or nil, eta_at = h[24] or nil, error = h[25] or nil, labels = h[26] or nil, result = h[27] or nil,
    lease = h[28] or nil, retries = h[29] or nil, made = h[30] or nil, work = h[31] or nil, expires = h[32] or nil,
    retention = h[33] or nil, abandoned = h[34] or nil, expected = h[35] or nil, spread = h[36] or nil,
    gid = h[37] or nil, share = h[38] or nil, seen_at = h[39] or nil, seen_by = h[40] or nil,
  }
  local moved = h[COUNT_KEPT + 1]
  if not moved then return job end
  local _, _, _, updated, v, percent = unpacked(HEAD, moved)
  if v <= job.v then return job end
  job.v = v
  -- Otherwise a library before 1.6 was at it since, which leaves `now` where it is.
  if job.status == 'processing' then
    job.updated, job.percent = updated, percent >= 0 and digits(percent) or nil
    -- A heartbeat may have come since.
    local time = digits(updated)
    if time > (job.locked or '') then job.locked = time end
  end
  return job
end

local function can(job)
  if FINAL[job.status] then
    return job.status ~= 'done' and job.retries == '1' and '["retry"]' or '[]'
  end
  return job.cancel and '[]' or '["cancel"]'
end

-- Milliseconds until an attempt ends, and how far off that may be; nothing if it is anyone's guess. Two estimates: recent
-- jobs of the type (`expected`, `spread`), and the pace of this one. The pace counts the more the further the job is.
local function estimate(elapsed, percent, expected, spread)
  local share = (percent or 0) / 100
  local pace = percent and elapsed >= 1000 and percent >= (expected and 1 or 5) and percent < 100 and elapsed * (1 - share) / share or nil
  local history = expected and expected > elapsed and expected - elapsed or nil
  if pace and history then
    local apart = pace > history and pace - history or history - pace
    local off = share * pace * (1 - share) + (1 - share) * spread
    return share * pace + (1 - share) * history, off > apart / 2 and off or apart / 2
  end
  if pace then return pace, pace * (1 - share) end
  if history then return history, spread end
  return nil
end

-- The members of `progress`, without its braces. All are in JSON's form. Those that seldom change together are the middle.
local function middle(current, total, unit, step)
  return (current and ',"current":' .. current or '') .. (total and ',"total":' .. total or '') ..
    (unit and ',"unit":' .. unit or '') .. (step and ',"step":' .. step or '')
end

local function progress(percent, mid, message, eta)
  return string.sub((percent and ',"percent":' .. percent or '') .. mid .. (message and ',"message":' .. message or '') .. eta, 2)
end

-- Whether an attempt takes longer than usual: four of five jobs of its type were within `spread` of `expected`, this one is beyond
-- twice that.
local LATE_AT_LEAST = 5000
local function is_late(elapsed, expected, spread)
  return expected and elapsed > expected + math.max(2 * spread, LATE_AT_LEAST)
end

-- The members `eta`, `eta_error` and `late` at `at`: what the worker said, less the time since, as long as that lasts; else estimated.
-- `elapsed`: since the attempt began, or nil. All are numbers or nil, but `at` may be digits.
local function eta_at(at, given, given_at, elapsed, percent, expected, spread)
  local late = elapsed and is_late(elapsed, expected, spread) and ',"late":true' or ''
  if given then
    local rest = given - (at - given_at)
    if rest >= 0 then return ',"eta":' .. digits(rest) .. late end
  end
  if not elapsed then return '' end
  local eta, off = estimate(elapsed, percent, expected, spread)
  if not eta then return late end
  return string.format(',"eta":%d,"eta_error":%d', eta + 0.5, off + 0.5) .. late
end

local function progress_of(job, at)
  local eta = ''
  local function of(field) return job[field] and tonumber(job[field]) end
  if job.status == 'processing' and not job.stalled then
    eta = eta_at(at, of('eta'), of('eta_at'), job.started and at - job.started, of('percent'), of('expected'), of('spread'))
  elseif job.eta and not FINAL[job.status] then
    eta = eta_at(at, of('eta'), of('eta_at'))
  end
  return progress(job.percent, middle(job.current, job.total, job.unit, job.step), job.message, eta)
end

-- The record around version, updated_at, progress and locked_at.
local function front_of(job)
  return ',"type":"' .. job.type .. '","status":"' .. job.status .. '","attempt":' .. digits(job.attempt) .. ',"max_attempts":' ..
    digits(job.max) .. ',"progress":{'
end

local function back_of(job)
  local function put(key, value) return value and key .. value or '' end
  return '},"stalled":' .. (job.stalled and 'true' or 'false') .. ',"cancel_requested":' .. (job.cancel and 'true' or 'false') ..
    ',"can":' .. can(job) .. (FINAL[job.status] and ',"seen":' .. (job.seen_at and 'true' or 'false') or '') ..
    put(',"created_at":', job.created) .. put(',"started_at":', job.started) .. put(',"finished_at":', job.finished) ..
    put(',"retry_at":', job.retry_at) .. put(',"owner":', job.owner and quoted(job.owner)) ..
    put(',"tenant":', job.tenant and quoted(job.tenant)) ..
    (job.group and ',"group":' .. quoted(job.group) .. ',"group_id":"' .. job.gid .. '"' or '') ..
    put(',"error":', job.error) .. put(',"labels":', job.labels) .. put(',"result":', job.result)
end

local function compose(id, version, updated, front, inside, back, locked)
  return '{"id":"' .. id .. '","version":' .. version .. ',"updated_at":' .. updated .. front .. inside .. back ..
    (locked and ',"locked_at":' .. locked .. '}' or '}')
end

local function now_of(job, scope)
  local renew = math.max(tonumber(job.expires or 0) - tonumber(job.abandoned) / 2, 0)
  local mid = middle(job.current, job.total, job.unit, job.step)
  local more = job.expected or job.eta or job.gid or mid ~= ''
  scope = scope or ''
  if more then
    scope = pack(MORE, job.expected or -1, job.spread or -1, job.eta or -1, job.eta_at or -1, job.gid and 1 or 0, #scope, scope, #mid, mid)
  end
  return pack(HEAD, renew, job.started, job.attempt, job.updated, job.v, job.percent or -1, more and 1 or 0) .. scope
end

local function scope_of(job)
  if not job.owner then return nil end
  return encoded(job.tenant or '') .. '/' .. encoded(job.owner)
end

------------------------------------------------------------------------------------------------------------ policies

local function global_policy(ns)
  local p = redis.call('HMGET', ns .. ':policy', 'create_on_report', 'lease_ms', 'retention_ms', 'abandoned_ms', 'max_result', 'max_input')
  return {
    create_on_report = p[1] ~= '0', lease = tonumber(p[2] or 60000), retention = tonumber(p[3] or 86400000),
    abandoned = tonumber(p[4] or 604800000), max_result = tonumber(p[5] or 65536), max_input = tonumber(p[6] or 65536),
  }
end

-- How long a job that was offered to workers has to begin, where its type does not say.
local OFFERED_START_TIMEOUT = 300000

local function type_policy(ns, type, global)
  local p = redis.call('HMGET', ns .. ':policy:' .. type, 'lease_ms', 'start_timeout_ms', 'max_attempts', 'backoff_base_ms',
    'backoff_factor', 'backoff_cap_ms', 'dispatch', 'user_retry', 'grace_ms', 'on_stall')
  local max, grace = tonumber(p[3] or 1), tonumber(p[9] or nil)
  local start_timeout = tonumber(p[2] or 0)
  return {
    lease = tonumber(p[1] or global and global.lease or 60000), start_timeout = start_timeout, max = max,
    base = tonumber(p[4] or 5000), factor = tonumber(p[5] or 2), cap = tonumber(p[6] or 600000), dispatch = p[7] == '1', user_retry = p[8],
    grace = grace or 0, on_stall = p[10] or grace and (max > 1 and 'retry' or 'fail') or 'flag',
    offered_start_timeout = start_timeout > 0 and start_timeout or OFFERED_START_TIMEOUT,
  }
end

-- A job that was created can be run again from what was stored; one that only reported itself cannot, unless its type says so.
local function offers_retry(policy, made)
  if policy.user_retry then return policy.user_retry == '1' and '1' or nil end
  return made and '1' or nil
end

-------------------------------------------------------------------------------------------------------------- batches
-- Jobs with one `group` share a rollup: a record of its own in `ns:job:group:<hash>`, kept by counters, so that a report costs
-- the same whatever the size of the batch. A group belongs to one scope: two owners' groups never mix. Each job keeps its
-- `share` (the rollup's birth, its status, whole percent, whether stalled), which is what it has to give back.

local STATUS_LIST = {'pending', 'processing', 'retrying', 'done', 'failed', 'cancelled'}
local NAMED_FAILURES = 20
-- As many failed jobs are remembered, so that another can be named when one that is named is tried again.
local KEPT_FAILURES = 1000
local ROLLUP = {'v', 'created', 'updated', 'started', 'finished', 'status', 'sum', 'members', 'size', 'stalled', 'percent', 'failures', 'expires',
  'n_pending', 'n_processing', 'n_retrying', 'n_done', 'n_failed', 'n_cancelled'}

local function group_id(job)
  return 'group:' .. redis.sha1hex((job.tenant and quoted(job.tenant) or '') .. '\n' .. (job.owner and quoted(job.owner) or '') .. '\n' .. job.group)
end

-- What a job adds to its rollup.
local function share_of(job)
  return {status = job.status, percent = FINAL[job.status] and 100 or math.floor(tonumber(job.percent or 0)), stalled = job.stalled and 1 or 0}
end

local function write_share(share, born)
  return born .. ' ' .. share.status .. ' ' .. share.percent .. ' ' .. share.stalled
end

local function read_share(share, born)
  if not share then return nil end
  local of, status, percent, stalled = string.match(share, '^(%d+) (%a+) (%d+) (%d)$')
  if of ~= born then return nil end
  return {status = status, percent = tonumber(percent), stalled = tonumber(stalled)}
end

local function rollup_status(g)
  if g.members < g.size or g.n_pending + g.n_processing + g.n_retrying > 0 then
    if g.n_pending == g.members then return 'pending' end
    return g.n_processing == 0 and g.n_pending == 0 and g.n_retrying > 0 and g.n_retrying + g.n_pending == g.members and 'retrying' or 'processing'
  end
  return g.n_failed > 0 and 'failed' or g.n_cancelled == g.members and 'cancelled' or 'done'
end

-- The failed jobs by name and title, the first to fail first. `failures` is JSON that this file wrote.
local function name_failures(ns, gid, g, job, leaves, joins)
  local key = ns .. ':failed:' .. gid
  if joins and g.n_failed <= KEPT_FAILURES then redis.call('ZADD', key, digits(g.updated), job.id) end
  if leaves then redis.call('ZREM', key, job.id) end
  -- Once as many are named as there is room for, one more that fails changes nothing.
  if not leaves and g.n_failed > NAMED_FAILURES and g.failures and select(2, string.gsub(g.failures, '{"id":', '')) == NAMED_FAILURES then return end
  local named = g.failures and cjson.decode(g.failures) or {}
  local function put(id, error)
    local ok, decoded = pcall(cjson.decode, error or '')
    named[#named + 1] = {id = id, title = ok and decoded.title or 'The job failed.'}
  end
  if leaves then
    for i = #named, 1, -1 do if named[i].id == job.id then table.remove(named, i) end end
    if #named < NAMED_FAILURES and g.n_failed > #named then
      local have = {}
      for _, one in ipairs(named) do have[one.id] = true end
      for _, id in ipairs(redis.call('ZRANGE', key, '0', tostring(NAMED_FAILURES - 1))) do
        if not have[id] then put(id, redis.call('HGET', ns .. ':job:' .. id, 'error')) end
      end
    end
  end
  if joins and #named < NAMED_FAILURES then put(job.id, job.error) end
  local parts = {}
  for i = 1, math.min(#named, NAMED_FAILURES) do
    parts[i] = '{"id":"' .. named[i].id .. '","title":' .. quoted(named[i].title) .. '}'
  end
  g.failures = #parts > 0 and '[' .. table.concat(parts, ',') .. ']' or nil
end

local function rollup_record(gid, g, job)
  local function put(key, value) return value and key .. value or '' end
  local counts = {}
  for i, status in ipairs(STATUS_LIST) do counts[i] = '"' .. status .. '":' .. digits(g['n_' .. status]) end
  local over = g.n_done + g.n_failed + g.n_cancelled
  return '{"id":"' .. gid .. '","version":' .. digits(g.v) .. ',"updated_at":' .. digits(g.updated) .. ',"type":"group","status":"' .. g.status ..
    '","attempt":1,"max_attempts":1,"progress":{"percent":' .. digits(g.percent) .. ',"current":' .. digits(over) ..
    ',"total":' .. digits(math.max(g.members, g.size)) .. ',"unit":"jobs"},"stalled":' .. (g.stalled > 0 and 'true' or 'false') ..
    ',"cancel_requested":false,"can":[],"created_at":' .. g.created .. put(',"started_at":', g.started) ..
    put(',"finished_at":', g.finished) .. put(',"owner":', job.owner and quoted(job.owner)) ..
    put(',"tenant":', job.tenant and quoted(job.tenant)) .. ',"group":' .. quoted(job.group) ..
    ',"counts":{' .. table.concat(counts, ',') .. ',"stalled":' .. digits(g.stalled) .. '},"failed":' .. (g.failures or '[]') .. '}'
end

-- The rollup as it is stored, or a fresh one if the group has none yet. `of`: what a record of it needs to know of any of its jobs.
local function load_rollup(ns, gid, job, at)
  local values = redis.call('HMGET', ns .. ':job:' .. gid, unpack(ROLLUP))
  local g = {of = {group = job.group, owner = job.owner, tenant = job.tenant}}
  for i, field in ipairs(ROLLUP) do g[field] = values[i] or nil end
  g.fresh = not g.v
  if g.fresh then
    g.v, g.created, g.updated, g.size, g.members, g.sum, g.stalled = 0, digits(at), 0, 0, 0, 0, 0
    for _, status in ipairs(STATUS_LIST) do g['n_' .. status] = 0 end
  else
    for _, field in ipairs({'v', 'updated', 'size', 'members', 'sum', 'stalled', 'percent'}) do g[field] = tonumber(g[field] or 0) end
    for _, status in ipairs(STATUS_LIST) do g['n_' .. status] = tonumber(g['n_' .. status] or 0) end
  end
  g.was = g.status
  return g
end

-- Writes a rollup that changed, and tells who watches it.
local function save_rollup(ns, gid, g, at)
  local key = ns .. ':job:' .. gid
  if g.members == 0 then
    -- Expired rather than deleted: workers, whose reports may move a job, need no right to delete.
    for _, one in ipairs({key, ns .. ':log:' .. gid, ns .. ':failed:' .. gid}) do redis.call('PEXPIREAT', one, '1') end
    redis.call('PUBLISH', ns .. ':event:' .. gid, '0 d null')
    return
  end
  local percent = math.floor(g.sum / math.max(g.members, g.size))
  if not g.counted and percent == g.percent then return redis.call('HSET', key, 'sum', digits(g.sum)) end
  g.status = rollup_status(g)
  g.percent = percent
  g.v = g.v + 1
  if not g.started and g.status ~= 'pending' then g.started = digits(at) end
  if not FINAL[g.status] then g.finished = nil elseif not FINAL[g.was] then g.finished = digits(at) end
  local doc = rollup_record(gid, g, g.of)
  local span = tonumber(FINAL[g.status] and g.of.retention or g.of.abandoned)
  local set = {'type', 'group', 'attempt', '1', 'max', '1', 'group', g.of.group, 'doc', doc}
  if g.of.owner then set[#set + 1] = 'owner' set[#set + 1] = g.of.owner end
  if g.of.tenant then set[#set + 1] = 'tenant' set[#set + 1] = g.of.tenant end
  local renew = g.fresh or g.status ~= g.was or tonumber(g.expires or 0) < at + span / 2
  if renew then g.expires = digits(at + span) end
  for _, field in ipairs(ROLLUP) do
    local value = g[field]
    if value ~= nil then set[#set + 1] = field set[#set + 1] = type(value) == 'number' and digits(value) or value end
  end
  redis.call('HSET', key, unpack(set))
  if not g.finished or not g.failures then redis.call('HDEL', key, g.finished and 'failures' or 'finished', g.failures and 'finished' or 'failures') end
  if g.status ~= g.was then
    redis.call('XADD', ns .. ':log:' .. gid, 'MAXLEN', '256', '*', 'version', digits(g.v), 'at', digits(at), 'status', g.status, 'attempt', '1', 'by', 'batch')
  end
  if renew then
    for _, one in ipairs({key, ns .. ':log:' .. gid, ns .. ':failed:' .. gid}) do redis.call('PEXPIREAT', one, g.expires) end
  end
  local letters = (g.status ~= g.was and 's' or g.counted and '' or 'p') .. (FINAL[g.status] and 'f' or '') .. (g.fresh and 'n' or '')
  redis.call('PUBLISH', ns .. ':event:' .. gid, digits(g.v) .. ' ' .. (letters == '' and '-' or letters) .. ' ' .. doc)
end

-- While the supervisor handles many jobs in one call: the rollups they change, by id, to be written once at its end.
local open_rollups = nil

local function save_open_rollups(ns, at)
  local rollups = open_rollups
  open_rollups = nil
  for gid, g in pairs(rollups) do
    local ok, problem = pcall(save_rollup, ns, gid, g, at)
    if not ok then redis.log(redis.LOG_WARNING, 'jobcast: the batch ' .. gid .. ' was not written: ' .. tostring(type(problem) == 'table' and problem.err or problem)) end
  end
end

-- Takes the job's old share out of a rollup and puts its new one in. `joins` false: the job leaves. Answers the new share.
local function count_in(ns, gid, job, at, old_share, joins, size)
  local g = open_rollups and open_rollups[gid] or load_rollup(ns, gid, job, at)
  if g.fresh and g.members == 0 then
    if not joins then return nil end
    redis.call('ZREMRANGEBYSCORE', ns .. ':failed:' .. gid, '-inf', '+inf')
  end
  local old = read_share(old_share, g.created)
  local new = joins and share_of(job)
  g.counted = g.counted or g.fresh or not old or not new or old.status ~= new.status or old.stalled ~= new.stalled
  g.updated = math.max(g.updated, at)
  g.of.retention, g.of.abandoned = job.retention, job.abandoned
  if old then
    g.members, g.sum, g.stalled = g.members - 1, g.sum - old.percent, g.stalled - old.stalled
    g['n_' .. old.status] = g['n_' .. old.status] - 1
  end
  if new then
    g.members, g.sum, g.stalled = g.members + 1, g.sum + new.percent, g.stalled + new.stalled
    g['n_' .. new.status] = g['n_' .. new.status] + 1
  end
  if size and size > g.size then g.size, g.counted = size, true end
  local left_failed = old and old.status == 'failed' and not (new and new.status == 'failed')
  local is_failed = new and new.status == 'failed' and not (old and old.status == 'failed')
  if g.members > 0 and (left_failed or is_failed) then name_failures(ns, gid, g, job, left_failed, is_failed) end
  if open_rollups then open_rollups[gid] = g else save_rollup(ns, gid, g, at) end
  return new and write_share(new, g.created)
end

-- Keeps the rollup of the job's group up to date; moves the job when its group or scope changed.
local function update_group(ns, job, at)
  local before = job.gid
  if job.regroup then
    job.gid = job.group and group_id(job)
    job.regroup = nil
    if before and before ~= job.gid then
      -- The rollup that is left belongs to whom the job belonged to then.
      local left = {id = job.id, group = job.left_group, owner = job.left_owner, tenant = job.left_tenant, status = job.status,
        retention = job.retention, abandoned = job.abandoned}
      count_in(ns, before, left, at, job.share, false)
      job.share = nil
    end
  end
  if job.gid then job.share = count_in(ns, job.gid, job, at, job.share, true, job.group_size) end
end

-- Before owner, tenant or group change.
local function will_regroup(job)
  if not job.regroup then job.left_group, job.left_owner, job.left_tenant = job.group, job.owner, job.tenant end
  job.regroup = true
end

--------------------------------------------------------------------------------------------------------------- store

-- A report at work does not move its lease's deadline: the supervisor looks again at what `locked` says. So an entry may be
-- early, and is never late.
local function deadline(ns, job, at)
  if at then redis.call('ZADD', ns .. ':deadlines', digits(at), job.id) else redis.call('ZREM', ns .. ':deadlines', job.id) end
end

-- Lifetimes are renewed only when under half: EXPIRE on each report would cost as much as the report. Answers whether it is time.
local function keep_alive(job, at)
  local span = tonumber(FINAL[job.status] and job.retention or job.abandoned)
  local wanted = at + span
  if job.retry_at and tonumber(job.retry_at) + span > wanted then wanted = tonumber(job.retry_at) + span end
  local have = tonumber(job.expires or 0)
  if have >= at + span / 2 and have <= at + span * 2 and not job.status_changed and have >= tonumber(job.retry_at or 0) then return false end
  job.expires = digits(wanted)
  return true
end

-- An unfinished job of a batch must not go before it has left the batch, which would count it for ever. So the supervisor ends
-- it (`expired`), and Redis does only if no supervisor ran for a day.
local LEFT_TO_SUPERVISOR = 86400000

local function expire(ns, job)
  local at = job.expires
  if job.gid then
    if FINAL[job.status] then
      redis.call('ZREM', ns .. ':expiring', job.id)
    else
      redis.call('ZADD', ns .. ':expiring', job.expires, job.id)
      at = digits(tonumber(job.expires) + LEFT_TO_SUPERVISOR)
    end
  end
  redis.call('PEXPIREAT', job.key, at)
  redis.call('PEXPIREAT', ns .. ':log:' .. job.id, at)
end

local function publish(ns, id, scope, version, letters, doc)
  local message = version .. ' ' .. letters .. ' ' .. doc
  call('PUBLISH', ns .. ':event:' .. id, message)
  if scope then call('PUBLISH', ns .. ':feed:' .. scope, id .. ' ' .. message) end
end

-- Outcomes that nobody has acknowledged yet, by owner.
local function update_inbox(ns, job, scope, at)
  local inbox = ns .. ':inbox:' .. scope
  if FINAL[job.status] and not job.seen_at then
    redis.call('ZADD', inbox, job.finished, job.id)
    redis.call('PEXPIRE', inbox, job.retention)
    redis.call('ZREMRANGEBYSCORE', inbox, '-inf', '(' .. digits(at - tonumber(job.retention)))
  elseif job.was_final then
    redis.call('ZREM', inbox, job.id)
  end
end

-- Writes what changed, and tells everyone. flags: a set of letters. `what` says in the history what a status does not say.
local function save(ns, job, at, flags, by, what)
  job.v = job.v + 1
  job.updated = at > (job.updated or 0) and at or job.updated
  job.was_final = FINAL[job.stored[2]]
  if job.was_final and not FINAL[job.status] then job.seen_at, job.seen_by = nil, nil end
  local scope, joined = scope_of(job), job.regroup
  if job.gid or job.group then update_group(ns, job, at) end
  local version = digits(job.v)
  local front, back = front_of(job), back_of(job)
  local doc = compose(job.id, version, digits(job.updated), front, progress_of(job, job.updated), back, job.locked)
  job.doc = doc
  job.status_changed = flags.s
  if flags.s or flags.n or flags.o or flags.c then
    local entry = {'version', version, 'at', digits(at), 'status', job.status, 'attempt', digits(job.attempt), 'by', by or 'worker'}
    if what then entry[#entry + 1] = 'what' entry[#entry + 1] = what end
    if job.error and (job.status == 'failed' or job.status == 'retrying') and not flags.quiet then
      entry[#entry + 1] = 'error' entry[#entry + 1] = job.error
    end
    if job.duration then entry[#entry + 1] = 'duration' entry[#entry + 1] = digits(job.duration) end
    redis.call('XADD', ns .. ':log:' .. job.id, 'MAXLEN', '256', '*', unpack(entry))
  end
  -- `pace` and `mid` are of a library before 1.6.
  local set, gone, stored = {'doc', doc}, {'front', 'back', 'now', 'pace', 'mid'}, job.stored
  local n = 2
  local lifetime = keep_alive(job, at)
  if job.status == 'processing' and not job.stalled and not job.cancel then
    set = {'doc', doc, 'front', front, 'back', back, 'now', now_of(job, scope)}
    n, gone = #set, {}
  end
  for i = 1, COUNT_KEPT do
    local value, old = job[KEPT[i]], stored[i] or nil
    if value ~= old and type(value) == 'number' then value = digits(value) end
    if value ~= old then
      if value == nil then
        gone[#gone + 1] = KEPT[i]
      else
        set[n + 1], set[n + 2] = KEPT[i], value
        n = n + 2
      end
      stored[i] = value
    end
  end
  redis.call('HSET', job.key, unpack(set))
  if #gone > 0 then redis.call('HDEL', job.key, unpack(gone)) end
  if lifetime or joined then expire(ns, job) end
  if scope and (flags.s or flags.n or flags.o) then
    local index = ns .. ':owner:' .. scope
    redis.call('ZADD', index, digits(at), job.id)
    redis.call('ZREMRANGEBYSCORE', index, '-inf', '(' .. digits(at - tonumber(job.abandoned)))
    redis.call('PEXPIRE', index, job.abandoned)
  end
  if scope and (FINAL[job.status] or job.was_final) then update_inbox(ns, job, scope, at) end
  if flags.f then
    redis.call('XADD', ns .. ':finished', 'MAXLEN', '~', '1000000', '*', 'id', job.id, 'type', job.type, 'status', job.status,
      'version', version, 'attempt', digits(job.attempt), 'owner', job.owner or '', 'tenant', job.tenant or '', 'at', digits(at))
  end
  local letters = (flags.p and 'p' or '') .. (flags.s and 's' or '') .. (FINAL[job.status] and 'f' or '') .. (flags.n and 'n' or '') .. (flags.o and 'o' or '')
  publish(ns, job.id, scope, version, letters == '' and '-' or letters, doc)
end

-- `work` is the id of the job's entry and the type on whose stream it is: the job may have learnt its type since.
local function work_of(ns, job)
  local id, type = string.match(job.work, '^(%S+) ?(.*)$')
  return ns .. ':work:' .. (type ~= '' and type or job.type), id
end

local function drop_work(ns, job)
  if job.work then
    redis.call('XDEL', work_of(ns, job))
    job.work = nil
  end
end

-- Entries older than any record can be are those of jobs whose record expired.
local function put_work(ns, job, at)
  local input = redis.call('HGET', job.key, 'input') or ''
  local id = redis.call('XADD', ns .. ':work:' .. job.type, 'MINID', '~', digits(math.max(at - tonumber(job.abandoned), 0)), '*', 'id', job.id, 'type', job.type, 'attempt', digits(job.attempt), 'input', input)
  job.work = id .. ' ' .. job.type
end

local function put_command(ns, job, op)
  redis.call('XADD', ns .. ':commands', 'MAXLEN', '~', '100000', '*', 'id', job.id, 'type', job.type, 'op', op, 'attempt', digits(job.attempt))
end

------------------------------------------------------------------------------------------------------------- failures
-- What viewers are told of a failure. Operators map codes to their own words (`failure:<code>` and, for patterns with `*`,
-- `failures` in the policies of the type and of all types); what a program says about itself goes to `ns:trace:<id>`, which no
-- viewer can read.

local ERROR_FIELDS = {'code', 'title', 'detail', 'action', 'severity', 'link', 'reference'}
-- What shows that a text is a native traceback: a mark, and a pattern that must be there as well.
local TRACES = {
  {'Traceback (most recent call last)'}, {'\n\tat '}, {'\n    at '}, {'\n   at '}, {'Stack trace:'}, {'\n#0 '}, {'\n#1 '}, {'", line ', 'File "'},
  {'.rb:', '%.rb:%d+:in '}, {'goroutine ', 'goroutine %d+ %['}, {'stack backtrace:'}, {'panicked at ', 'panicked at [^\n]-:%d+:%d+'},
  {'** (', '%*%* %(%u[%w.]*%) .*\n'}, {'.ex', '%.exs?:%d+: %u[%w.]*[./]'},
}
local KEPT_TRACES = 5

local function looks_like_trace(s)
  for _, one in ipairs(TRACES) do
    if string.find(s, one[1], 1, true) and (not one[2] or string.find(s, one[2])) then return true end
  end
  return false
end

-- For operators, by attempt.
local function keep_traces(ns, job, traces)
  local key = ns .. ':trace:' .. job.id
  redis.call('HSET', key, digits(job.attempt), table.concat(traces, '\n\n'))
  if job.attempt > KEPT_TRACES then redis.call('HDEL', key, digits(job.attempt - KEPT_TRACES)) end
  redis.call('PEXPIRE', key, job.abandoned)
end

-- `*` stands for any text; nothing else is special. Takes time proportional to the text.
local function matches_glob(glob, s)
  local at, first = 1, true
  local from = 1
  while true do
    local star = string.find(glob, '*', from, true)
    local piece = string.sub(glob, from, star and star - 1 or nil)
    if first then
      if string.sub(s, 1, #piece) ~= piece then return false end
      if not star then return #s == #piece end
      at, first = #piece + 1, false
    elseif not star then
      return #s - at + 1 >= #piece and (piece == '' or string.sub(s, -#piece) == piece)
    else
      local found, stop = string.find(s, piece, at, true)
      if not found then return false end
      at = stop + 1
    end
    from = star + 1
  end
end

local function catalogued(ns, type, code)
  for _, key in ipairs({ns .. ':policy:' .. type, ns .. ':policy'}) do
    local found = redis.call('HMGET', key, 'failure:' .. code, 'failures')
    if found[1] then return cjson.decode(found[1]) end
    if found[2] then
      for _, one in ipairs(cjson.decode(found[2])) do
        if matches_glob(one.match, code) then return one end
      end
    end
  end
  return nil
end

local REFERENCE = '0123456789abcdefghjkmnpqrstvwxyz'
local function new_reference(ns, job, at)
  local hash = redis.sha1hex(ns .. '\n' .. job.id .. '\n' .. digits(job.attempt) .. '\n' .. digits(at) .. '\n' .. digits(math.random(2147483647)))
  local out = {}
  for i = 1, 10 do
    local n = tonumber(string.sub(hash, 2 * i - 1, 2 * i), 16) % 32 + 1
    out[i] = string.sub(REFERENCE, n, n)
  end
  return string.upper(table.concat(out, '', 1, 5) .. '-' .. table.concat(out, '', 6, 10))
end

-- `said`: members of `error` by name, as given. `final`: the job failed for good, so there is always something to say.
local function failure(ns, job, said, at, final)
  local given = said.retryable ~= nil or said.trace ~= nil
  for _, field in ipairs(ERROR_FIELDS) do
    if said[field] == '' then said[field] = nil end
    given = given or said[field] ~= nil
  end
  if not given and not final then return nil end
  local traces = {said.trace}
  for _, field in ipairs({'title', 'detail', 'action'}) do
    if said[field] and looks_like_trace(said[field]) then
      traces[#traces + 1] = said[field]
      said[field] = nil
    end
  end
  local match = said.code or said.title
  local entry = match and catalogued(ns, job.type, match)
  for _, field in ipairs({'title', 'detail', 'action', 'link', 'severity'}) do
    if entry and entry[field] then said[field] = entry[field] end
  end
  local plain = not said.title
  if plain then
    said.title = 'The job failed.'
    if final and not said.action then
      said.action = 'Try again later. If it fails again, give the reference to support.'
      said.severity = said.severity or 'high'
    end
  end
  if not said.reference and (entry or #traces > 0 or plain and final) then said.reference = new_reference(ns, job, at) end
  if #traces > 0 then keep_traces(ns, job, traces) end
  if said.reference then
    local key = ns .. ':reference:' .. said.reference
    -- A worker may name one that another job has: whoever looks it up is to find the first, as long as there is such a job.
    local holder = redis.call('HGET', key, 'id')
    if not holder or holder == job.id or not redis.call('HGET', ns .. ':job:' .. holder, 'v') then
      redis.call('HSET', key, 'id', job.id, 'attempt', digits(job.attempt))
      redis.call('PEXPIRE', key, digits(math.max(tonumber(job.retention), tonumber(job.abandoned))))
    end
  end
  local parts = {}
  for _, field in ipairs(ERROR_FIELDS) do
    if said[field] then parts[#parts + 1] = '"' .. field .. '":' .. quoted(said[field]) end
  end
  parts[#parts + 1] = '"retryable":' .. (said.retryable == 'true' and 'true' or 'false')
  return '{' .. table.concat(parts, ',') .. '}'
end

---------------------------------------------------------------------------------------------------------- transitions

local function fresh(ns, id, at, type, global, policy, made)
  return {
    id = id, key = ns .. ':job:' .. id, stored = {}, v = 0, status = 'pending', attempt = 1, max = policy.max, type = type,
    created = digits(at), updated = 0, lease = digits(policy.lease), retries = offers_retry(policy, made), made = made and '1' or nil,
    retention = digits(global.retention), abandoned = digits(global.abandoned),
  }
end

local function clear_progress(job)
  for _, field in ipairs({'percent', 'current', 'total', 'unit', 'step', 'message', 'eta', 'eta_at', 'expected', 'spread'}) do job[field] = nil end
end

-- Owner, tenant and type may go from unset to a value once. Answers whether one did.
local function set_ownership(job, f)
  local changed = false
  for _, field in ipairs({'owner', 'tenant'}) do
    if f[field] then
      if job[field] and job[field] ~= f[field] then refuse(field, 'this job has another one, and it cannot change') end
      if not job[field] then
        changed = true
        will_regroup(job)
      end
      job[field] = f[field]
    end
  end
  if f.type and f.type ~= job.type then
    if job.type ~= 'default' or job.v == 0 then
      if job.v > 0 then refuse('type', 'this job has another one, and it cannot change') end
    else
      changed = true
      job.type = f.type
    end
  end
  local scope = scope_of(job)
  if scope and #scope > 256 then refuse('owner', 'tenant and owner, percent-encoded, may take 256 bytes together') end
  return changed
end

-- What the policy of a type says of a job whose type was not known before.
local function learn_type(job, f, policy)
  job.lease, job.retries = digits(policy.lease), offers_retry(policy, job.made)
  if not f.max_attempts and job.max == 1 then job.max = policy.max end
end

local function set_group(job, f)
  if f.group and f.group ~= job.group then
    will_regroup(job)
    job.group = f.group
  end
  job.group_size = f.group_size
  if f.group_size and not job.group then refuse('group_size', 'goes with group') end
end

local function set_labels(job, labels)
  if not labels then return end
  local all = {}
  if job.labels then
    for key, value in pairs(cjson.decode(job.labels)) do all[key] = value end
  end
  for key, value in pairs(labels) do all[key] = value ~= '' and value or nil end
  local keys = {}
  for key in pairs(all) do keys[#keys + 1] = key end
  if #keys > 16 then refuse('labels', 'at most 16 labels') end
  table.sort(keys)
  local parts = {}
  for _, key in ipairs(keys) do parts[#parts + 1] = '"' .. key .. '":' .. quoted(all[key]) end
  job.labels = #parts > 0 and '{' .. table.concat(parts, ',') .. '}' or nil
end

-- The members of `error` in a report, or nil if it says nothing of a failure.
local function error_of(f)
  local said, given = {}, false
  for _, field in ipairs({'code', 'title', 'detail', 'action', 'severity', 'link', 'reference', 'retryable', 'trace'}) do
    said[field] = f['error.' .. field]
    given = given or said[field] ~= nil
  end
  return given and said or nil
end

local function derived_percent(current, total)
  return math.min(100, math.floor(tonumber(current) / tonumber(total) * 1000) / 10)
end

local function set_progress(ns, job, f, at)
  for _, field in ipairs({'step', 'message'}) do
    -- A traceback has more than one line, a message hardly ever.
    if f[field] and string.find(f[field], '\n', 1, true) and looks_like_trace(f[field]) then
      keep_traces(ns, job, {f[field]})
      f[field] = nil
    end
  end
  for _, field in ipairs({'unit', 'step', 'message'}) do
    if f[field] then job[field] = f[field] ~= '' and quoted(f[field]) or nil end
  end
  for _, field in ipairs({'current', 'total'}) do
    if f[field] then job[field] = f[field] end
  end
  if f.eta then job.eta, job.eta_at = f.eta, digits(at) end
  local percent = f.percent
  if not percent and (f.current or f.total) and job.current and job.total and tonumber(job.total) > 0 then
    percent = derived_percent(job.current, job.total)
  end
  if percent and percent >= tonumber(job.percent or 0) then job.percent = digits(percent) end
end

local function backoff(policy, attempt)
  local span = math.min(policy.cap, policy.base * policy.factor ^ math.min(attempt - 1, 60))
  return math.floor(span / 2 + math.random() * span / 2)
end

-- A ring of what the last jobs of a type took.
local DURATIONS = 32
local DURATIONS_NEEDED = 3
local SLOTS = {}
for i = 1, DURATIONS do SLOTS[i] = (i - 1) .. '' end

local function remember_duration(ns, job)
  local key = ns .. ':durations:' .. job.type
  local n = tonumber(redis.call('HGET', key, 'n') or 0)
  redis.call('HSET', key, SLOTS[n % DURATIONS + 1], digits(job.duration), 'n', digits((n + 1) % DURATIONS))
  redis.call('PEXPIRE', key, job.abandoned)
end

-- Half of them took less than `expected`, four of five were within `spread` of it.
local function expect_duration(ns, job)
  local recent = {}
  for _, one in ipairs(redis.call('HMGET', ns .. ':durations:' .. job.type, unpack(SLOTS))) do
    if one then recent[#recent + 1] = tonumber(one) end
  end
  if #recent < DURATIONS_NEEDED then return end
  table.sort(recent)
  local function at(share) return recent[math.floor(share * (#recent - 1) + 0.5) + 1] end
  local middle = at(0.5)
  job.expected = digits(middle)
  job.spread = digits(math.floor(math.max(at(0.9) - middle, middle - at(0.1), middle / 20)))
end

local function begin_attempt(job, attempt)
  job.attempt = attempt
  if job.max < attempt then job.max = attempt end
  clear_progress(job)
  job.retry_at = nil
end

-- An attempt is over, one way or the other: its time goes into the history.
local function end_attempt(job, at)
  if job.started and job.stored[2] == 'processing' then job.duration = math.max(0, at - tonumber(job.started)) end
end

-- Another attempt is due at `due`.
local function retry_later(ns, job, at, due)
  end_attempt(job, at)
  begin_attempt(job, job.attempt + 1)
  job.status, job.retry_at = 'retrying', due and digits(math.floor(due)) or nil
  job.started, job.locked, job.stalled = nil, nil, nil
  drop_work(ns, job)
  -- What someone asked to cancel is not tried again: the supervisor cancels it.
  deadline(ns, job, job.cancel and at or due)
end

-- Puts the job where its workers find it, and gives them time to begin.
local function offer(ns, job, at, policy)
  job.retry_at = nil
  if policy.dispatch then put_work(ns, job, at) else put_command(ns, job, 'retry') end
  deadline(ns, job, at + policy.offered_start_timeout)
end

local function finish(ns, job, status, at, error)
  end_attempt(job, at)
  if status == 'done' and job.duration then remember_duration(ns, job) end
  job.status, job.finished, job.error = status, digits(at), error
  job.stalled, job.retry_at, job.cancel = nil, nil, status == 'cancelled' and job.cancel or nil
  job.eta, job.eta_at, job.expected, job.spread = nil, nil, nil, nil
  if status == 'done' then job.percent = '100' end
  drop_work(ns, job)
  deadline(ns, job, nil)
end

-- Applies a checked report to the job. Answers nil, or why it is ignored; flags are set on the way.
local function apply(ns, job, f, at, flags, global)
  if FINAL[job.status] then return 'final' end
  if f.attempt and f.attempt < job.attempt then return 'stale_attempt' end
  local status = f.status or job.status
  if status == 'pending' and job.status ~= 'pending' then return 'transition' end
  local said = error_of(f)
  if said and status ~= 'failed' and status ~= 'retrying' then refuse('error', 'goes with status failed or retrying') end
  if f.result and status ~= 'done' then refuse('result', 'goes with status done') end
  local result = f.result and raw_json('result', f.result, global().max_result)
  local retries = status == 'retrying' and (job.status ~= 'retrying' or f.status == 'retrying')

  if set_ownership(job, f) then flags.o = true end
  local policy
  local function of_type()
    policy = policy or type_policy(ns, job.type, global())
    return policy
  end
  if f.type and flags.o then learn_type(job, f, of_type()) end
  set_group(job, f)
  if f.max_attempts then job.max = math.max(f.max_attempts, job.attempt) end
  set_labels(job, f.labels)
  if f.lease then job.lease = digits(f.lease * 1000) end
  if f.attempt and f.attempt > job.attempt then
    begin_attempt(job, f.attempt)
    job.started = nil
    flags.s = true
  end
  if status == 'failed' and f['error.retryable'] == 'true' and job.attempt < job.max then retries = true end
  if f.retry_at and f.retry_in then refuse('retry_at', 'goes without retry_in: give one of the two') end
  if not retries and (f.retry_at or f.retry_in) then refuse(f.retry_at and 'retry_at' or 'retry_in', 'goes with status retrying') end
  -- Nothing is refused from here on, so nothing is written before.
  if result then job.result = result end
  set_progress(ns, job, f, at)

  local was = job.status
  if retries then
    job.error = said and failure(ns, job, said, at, false)
    retry_later(ns, job, at, f.retry_at or at + (f.retry_in and f.retry_in * 1000 or backoff(of_type(), job.attempt)))
    flags.s = true
  elseif FINAL[status] then
    finish(ns, job, status, at, status == 'failed' and failure(ns, job, said or {}, at, true) or nil)
    flags.s, flags.f = true, true
  elseif status == 'processing' then
    if not job.started then
      job.started = digits(at)
      expect_duration(ns, job)
    end
    job.status, job.locked, job.retry_at, job.error = status, digits(at), nil, nil
    if job.stalled then job.stalled, flags.c, flags.what = nil, true, 'resumed' end
    deadline(ns, job, at + tonumber(job.lease))
  elseif status == 'pending' then
    job.locked = nil
    if job.v == 0 and of_type().start_timeout > 0 then deadline(ns, job, at + policy.start_timeout) end
  end
  if job.status ~= was then flags.s = true end
  return nil
end

---------------------------------------------------------------------------------------------------------- entry points

local function check_call(keys, what)
  if #keys ~= 1 then refuse('keys', 'one key, the namespace: FCALL ' .. what .. ' 1 jobcast ...') end
end

-- `FCALL jobcast_report 1 jobcast <id> field value ...`: KEYS[1] is the namespace.
local function entry(what, body)
  local function run(keys, args)
    if not call then
      call, sub, find, format, pack, unpacked = redis.call, string.sub, string.find, string.format, struct.pack, struct.unpack
    end
    -- Of a call that was killed, if it ever was.
    open_rollups = nil
    check_call(keys, what)
    return body(keys[1], args)
  end
  return function(keys, args)
    local ok, answer = pcall(run, keys, args)
    if ok then return answer end
    if type(answer) == 'table' and answer.jobcast then return redis.error_reply(answer.jobcast) end
    return redis.error_reply(type(answer) == 'table' and answer.err or tostring(answer))
  end
end

local function id_of(args, what)
  local id = args[1]
  if not id then refuse('id', 'missing; FCALL ' .. what .. ' 1 jobcast <id> ...') end
  name('id', id, 128)
  if string.sub(id, 1, 6) == 'group:' then refuse('id', 'ids that begin with group: stand for batches, which follow their jobs') end
  return id
end

local function lazily(ns)
  local policy
  return function()
    policy = policy or global_policy(ns)
    return policy
  end
end

-- Whether a publisher who may only handle some types, or one tenant, is to be turned away from a job.
local function forbidden(f, type, tenant)
  if f.for_types and not string.find(',' .. f.for_types .. ',', ',' .. type .. ',', 1, true) then return true end
  return f.for_tenant ~= nil and f.for_tenant ~= (tenant or '')
end

local function forbids(f, job)
  if not f.for_types and not f.for_tenant then return false end
  if not job then return forbidden(f, f.type or 'default', f.tenant) end
  return forbidden(f, job.type, job.tenant) or forbidden(f, job.type == 'default' and f.type or job.type, job.tenant)
end

local PARTS = {'current', 'total', 'unit', 'step', 'message'}
-- Of small numbers as they are mostly given.
local NUMBERS = {}
for i = 0, 99 do NUMBERS[i .. ''] = i end

-- Most reports only move a bar. Those that do, on a job at work, need neither the whole job nor a new deadline; this path
-- writes exactly what the other would. Answers nil for the other to be taken. What costs most here is making strings, by their
-- length, and then every call: so nothing is put together twice, and the id is not checked, since a job at work has it.
local function report_progress(ns, args)
  local id = args[1]
  local attempt, percent, given, current, total, unit, step, message, status, odd
  for i = 2, #args, 2 do
    local field, value = args[i], args[i + 1]
    if not value then return nil end
    if field == 'percent' then
      if percent then return nil end
      percent = NUMBERS[value]
      if percent then
        given = value
      else
        if not find(value, '^[1-9]?%d%.%d$') then return nil end
        percent = tonumber(value)
      end
    elseif field == 'message' then
      if message or #value > 500 or value == '' then return nil end
      message, odd = quoted(value)
      if odd and find(value, '\n', 1, true) then return nil end
    elseif field == 'status' then
      if status or value ~= 'processing' then return nil end
      status = value
    elseif field == 'attempt' then
      if attempt then return nil end
      attempt = NUMBERS[value] or find(value, '^[1-9]%d%d$') and tonumber(value)
      if not attempt then return nil end
    elseif field == 'current' then
      if current or #value > 15 or not find(value, '^[1-9]%d*$') then return nil end
      current = value
    elseif field == 'total' then
      if total or #value > 15 or not find(value, '^[1-9]%d*$') then return nil end
      total = value
    elseif field == 'unit' then
      if unit or #value > 100 or value == '' then return nil end
      unit = quoted(value)
    elseif field == 'step' then
      if step or #value > 100 or value == '' then return nil end
      step, odd = quoted(value)
      if odd and find(value, '\n', 1, true) then return nil end
    else
      return nil
    end
  end
  if not id then return nil end
  local key = ns .. ':job:' .. id
  local parts = current or total or unit or step
  local h = parts and call('HMGET', key, 'now', 'front', 'back', 'message', 'current', 'total', 'unit', 'step') or
    message and call('HMGET', key, 'now', 'front', 'back') or call('HMGET', key, 'now', 'front', 'back', 'message')
  local now, front = h[1], h[2]
  -- Of a job that a library before 1.6 wrote there is no `now`.
  if not now or not front then return nil end
  local time = time_now()
  local at = time + 0
  local renew, started, at_work, updated, v, had, more = unpacked(HEAD, now)
  if at > renew or at < updated or attempt and attempt ~= at_work then return nil end
  local scope = #now > HEAD_SIZE and sub(now, HEAD_SIZE + 1)
  local stays, mid = scope, ''
  local expected, spread, eta, eta_set, batched = -1, -1, -1, -1, 0
  if more == 1 then expected, spread, eta, eta_set, batched, scope, mid = unpacked(MORE, stays) end
  if parts then
    local derives = not percent and (current or total)
    current, total, unit, step = current or h[5], total or h[6], unit or h[7], step or h[8]
    if derives and current and total and total ~= '0' then percent = derived_percent(current, total) end
    mid = middle(current, total, unit, step)
    scope, more = scope or '', 1
    stays = pack(MORE, expected, spread, eta, eta_set, batched, #scope, scope, #mid, mid)
  end
  local shown
  if percent and percent >= had then
    if batched == 1 and math.floor(percent) ~= math.floor(had < 0 and 0 or had) then return nil end
    shown, had = given or digits(percent), percent
  elseif had >= 0 then
    shown = digits(had)
  end
  local new_message = message
  message = message or h[4]
  eta = eta_at(at, eta >= 0 and eta, eta_set, at - started, had >= 0 and had, expected >= 0 and expected, spread)
  v = v + 1
  local version = format('%d', v)
  now = pack(HEAD, renew, started, at_work, at, v, had, more)
  if stays then now = now .. stays end
  local doc = shown and
    '{"id":"' .. id .. '","version":' .. version .. ',"updated_at":' .. time .. front .. '"percent":' .. shown .. mid ..
      (message and ',"message":' or '') .. (message or '') .. eta .. h[3] .. ',"locked_at":' .. time .. '}' or
    compose(id, version, time, front, progress(nil, mid, message, eta), h[3], time)
  -- The two that nearly all reports are need no table.
  if parts then
    local set, values = {}, {current, total, unit, step, new_message}
    for i = 1, 5 do
      if values[i] and (i == 5 or values[i] ~= h[4 + i]) then set[#set + 1] = PARTS[i] set[#set + 1] = values[i] end
    end
    call('HSET', key, 'now', now, 'doc', doc, unpack(set))
  elseif new_message then
    call('HSET', key, 'now', now, 'doc', doc, 'message', message)
  else
    call('HSET', key, 'now', now, 'doc', doc)
  end
  publish(ns, id, scope and scope ~= '' and scope, version, 'p', doc)
  return {'ok', v, ''}
end

local function report(ns, args)
  local quick = report_progress(ns, args)
  if quick then return quick end
  local id = id_of(args, 'jobcast_report')
  local f = read_fields(args, 2, REPORT)
  local at = now()
  local global = lazily(ns)
  local job, flags = load(ns, id), {}
  if forbids(f, job) then return {'forbidden', 0, ''} end
  if not job then
    if not global().create_on_report then return {'ignored:unknown', 0, ''} end
    local type = f.type or 'default'
    job = fresh(ns, id, at, type, global(), type_policy(ns, type, global()), false)
    if f.attempt then job.attempt = f.attempt job.max = math.max(job.max, f.attempt) end
    flags.n, flags.s = true, true
  end
  local ignored = apply(ns, job, f, at, flags, global)
  if ignored then return {'ignored:' .. ignored, job.v, job.cancel and 'cancel_requested' or ''} end
  if not (flags.s or flags.o or flags.c) then flags.p = true end
  save(ns, job, at, flags, f.by, flags.what)
  return {'ok', job.v, job.cancel and 'cancel_requested' or ''}
end

-- The same of a heartbeat.
local function heartbeat_at_work(ns, id, attempt)
  local key = ns .. ':job:' .. id
  local h = call('HMGET', key, 'now', 'front')
  if not h[1] or not h[2] then return nil end
  local time = time_now()
  local at = time + 0
  local renew, _, at_work, updated, v = unpacked(HEAD, h[1])
  if attempt and attempt < at_work or at > renew or at < updated then return nil end
  call('HSET', key, 'locked', time)
  return {'ok', v, ''}
end

local function heartbeat(ns, args)
  local id = id_of(args, 'jobcast_heartbeat')
  local attempt = args[2] and integer('attempt', args[2], 1, 1000000)
  if args[3] then refuse('attempt', 'nothing may follow it') end
  local quick = heartbeat_at_work(ns, id, attempt)
  if quick then return quick end
  local job = load(ns, id)
  if not job then return {'ignored:unknown', 0, ''} end
  local answer = job.cancel and 'cancel_requested' or ''
  if FINAL[job.status] then return {'ignored:final', job.v, answer} end
  if attempt and attempt < job.attempt then return {'ignored:stale_attempt', job.v, answer} end
  if job.status ~= 'processing' then return {'ignored:transition', job.v, answer} end
  local at = now()
  job.locked = digits(at)
  if job.stalled then
    job.stalled = nil
    deadline(ns, job, at + tonumber(job.lease))
    save(ns, job, at, {c = true}, nil, 'resumed')
  else
    local lifetime = keep_alive(job, at)
    -- With what `now` had that is newer, so that it does not count as newer than this.
    redis.call('HSET', job.key, 'locked', job.locked, 'expires', job.expires, 'v', digits(job.v), 'updated', digits(job.updated),
      unpack(job.percent and {'percent', job.percent} or {}))
    if lifetime then expire(ns, job) end
  end
  return {'ok', job.v, answer}
end

local function answer_of(what, job)
  return {what, job.v, FINAL[job.status] and 'f' or '', job.doc or redis.call('HGET', job.key, 'doc')}
end

local function create(ns, args)
  local id = id_of(args, 'jobcast_create')
  local f = read_fields(args, 2, CREATE)
  local at = now()
  local global = global_policy(ns)
  local input = f.input and raw_json('input', f.input, global.max_input)
  local notify = f.notify and raw_json('notify', f.notify, 4096)
  local job = load(ns, id)
  local what = 'created'
  if forbids(f, job) then return {'forbidden', 0, '', ''} end
  if job and job.made then
    local request = redis.call('HGET', job.key, 'request')
    if not f.keyed then return answer_of('conflict:exists', job) end
    return answer_of(request == f.request and 'replayed' or 'conflict:request', job)
  end
  local flags = {}
  local policy
  if job then
    what = 'adopted'
    local had = job.type
    flags.o = set_ownership(job, f) or nil
    job.made = '1'
    policy = type_policy(ns, job.type, global)
    if job.type ~= had then learn_type(job, f, policy) else job.retries = offers_retry(policy, true) end
    flags.c = true
  else
    policy = type_policy(ns, f.type or 'default', global)
    job = fresh(ns, id, at, f.type or 'default', global, policy, true)
    set_ownership(job, f)
    flags.n, flags.s = true, true
  end
  set_group(job, f)
  if f.max_attempts then job.max = math.max(f.max_attempts, job.attempt) end
  set_labels(job, f.labels)
  local private = {'request', f.request or ''}
  if input then private[#private + 1] = 'input' private[#private + 1] = input end
  if notify then private[#private + 1] = 'notify' private[#private + 1] = notify end
  -- Nothing is refused from here on, so nothing is written before.
  redis.call('HSET', job.key, unpack(private))
  if job.status == 'pending' then
    if policy.dispatch then
      put_work(ns, job, at)
      deadline(ns, job, at + policy.offered_start_timeout)
    elseif policy.start_timeout > 0 then
      deadline(ns, job, at + policy.start_timeout)
    end
  elseif job.status == 'processing' and not job.stalled then
    -- With its type it may have learnt of a shorter lease.
    deadline(ns, job, tonumber(job.locked) + tonumber(job.lease))
  end
  save(ns, job, at, flags, f.by or 'publisher', what == 'adopted' and what or nil)
  return answer_of(what, job)
end

-- Whose job it is, is looked at first and alone, so that the job of another costs what none does.
local function is_of(scope, key)
  local h = redis.call('HMGET', key, 'owner', 'tenant')
  return h[1] and scope == encoded(h[2] or '') .. '/' .. encoded(h[1])
end

-- The version is in the record, since a report of progress writes it nowhere else but in `now`.
local function row(id, status, doc)
  return {tonumber(string.match(doc, '^"version":(%d+)', #id + 10) or 0), FINAL[status] and 'f' or '', doc}
end

local function get(ns, args)
  local out, first = {}, 1
  local scope = #args > 1 and string.find(args[1], '/', 1, true) and args[1]
  if scope then first = 2 end
  for i = first, #args do
    local key = ns .. ':job:' .. name('id', args[i], 128)
    local r = (not scope or is_of(scope, key)) and redis.call('HMGET', key, 'status', 'doc')
    out[#out + 1] = r and r[1] and r[2] and row(args[i], r[1], r[2]) or false
  end
  return out
end

local LIST = {
  limit = function(field, s) return integer(field, s, 1, 100) end,
  cursor = bounded(256), status = bounded(100), group = bounded(128),
  type = function(field, s) return name(field, s, 64) end,
  snapshot = function(field, s) return one_of(field, s, {'1'}) end,
  since = function(field, s) return integer(field, s, 0, MAX_TIME) end,
}
local INBOX = {limit = LIST.limit, cursor = LIST.cursor}
local LOOKED_AT = 2000
-- A page ends after the record with which it has so many bytes: a hundred large results are several megabytes.
local PAGE_BYTES = 524288

local function matches(f, statuses, status, type, group)
  return (not statuses or statuses[status]) and (not f.type or f.type == type) and (not f.group or f.group == group)
end

local function check_scope(scope)
  if not scope or #scope > 256 or not string.find(scope, '^[%w%%%-._~]*/[%w%%%-._~]+$') then
    refuse('scope', '<tenant>/<owner>, percent-encoded, at most 256 bytes')
  end
  return scope
end

-- Where to go on from: a score, and the id that was the last one given of it.
local function read_cursor(f)
  if not f.cursor then return '+inf', nil end
  local score, id = string.match(f.cursor, '^(%d+)~(.+)$')
  if not score then refuse('cursor', 'pass on the cursor of the page before as it is') end
  return score, id
end

-- Calls `use(id)` with the members of a zset from the newest on, at most LOOKED_AT and for AT_A_TIME_US; `use` answers true to
-- stop before that id. The time is looked at seldom, so that whoever has few jobs always gets all of them. Answers the cursor to go on from, or '' at the end. Ids of one score come in falling order, so what was given before the
-- cursor is skipped by comparison.
local function each_newest(key, highest, skip_id, use)
  local looked, offset, cursor, begun = 0, 0, '', microseconds()
  while true do
    local members = redis.call('ZREVRANGEBYSCORE', key, highest, '-inf', 'WITHSCORES', 'LIMIT', tostring(offset), '200')
    if #members == 0 then return '' end
    for i = 1, #members, 2 do
      local id, score = members[i], members[i + 1]
      if not (skip_id and score == highest and id >= skip_id) then
        if looked >= LOOKED_AT or use(id) then return cursor end
        if looked % 256 == 255 and microseconds() - begun > AT_A_TIME_US then return score .. '~' .. id end
        looked = looked + 1
        cursor = score .. '~' .. id
      end
    end
    offset = offset + 200
  end
end

-- A row of a page. What decides whether a record is wanted is read before, without the record: that may be large.
local function row_of(ns, id, status)
  return row(id, status, redis.call('HGET', ns .. ':job:' .. id, 'doc'))
end

-- An owner's stream begins with what is unfinished, then outcomes nobody has seen yet, then other outcomes.
local function snapshot(ns, scope, f)
  local begun = microseconds()
  local found, unseen, finals = {}, {}, {}
  local had = {}
  local function take(id)
    if had[id] then return end
    had[id] = true
    local r = redis.call('HMGET', ns .. ':job:' .. id, 'status', 'updated', 'seen_at')
    if not r[1] then return end
    if not FINAL[r[1]] then
      found[#found + 1] = {id, r[1]}
    elseif not f.since or tonumber(r[2]) >= f.since then
      local into = r[3] and finals or unseen
      into[#into + 1] = {id, r[1]}
    end
  end
  local rest = each_newest(ns .. ':owner:' .. scope, '+inf', nil, take)
  if not f.since then
    for _, id in ipairs(redis.call('ZREVRANGE', ns .. ':inbox:' .. scope, '0', '99')) do take(id) end
  end
  for _, more in ipairs({unseen, finals}) do
    for _, one in ipairs(more) do found[#found + 1] = one end
  end
  local limit, bytes = f.limit or 100, 0
  local out = {''}
  for i = 1, math.min(limit, #found) do
    if bytes >= PAGE_BYTES and microseconds() - begun > AT_A_TIME_US then break end
    out[i + 1] = row_of(ns, unpack(found[i]))
    bytes = bytes + #out[i + 1][3]
  end
  if rest ~= '' or #out <= #found then out[1] = '9007199254740991~~' end
  return out
end

local function list(ns, args)
  local scope = check_scope(args[1])
  local f = read_fields(args, 2, LIST)
  local limit = f.limit or 100
  local statuses
  if f.status then
    statuses = {}
    for one in string.gmatch(f.status, '[^,]+') do
      if not STATUSES[one] then refuse('status', 'pending, processing, retrying, done, failed or cancelled; several with commas') end
      statuses[one] = true
    end
  end
  local highest, skip_id = read_cursor(f)
  if f.snapshot then return snapshot(ns, scope, f) end
  local out, bytes = {''}, 0
  out[1] = each_newest(ns .. ':owner:' .. scope, highest, skip_id, function(id)
    if #out > limit or bytes >= PAGE_BYTES then return true end
    local r = redis.call('HMGET', ns .. ':job:' .. id, 'status', 'type', 'group')
    if not r[1] or not matches(f, statuses, r[1], r[2], r[3]) then return end
    out[#out + 1] = row_of(ns, id, r[1])
    bytes = bytes + #out[#out][3]
  end)
  return out
end

local function inbox(ns, args)
  local scope = check_scope(args[1])
  local f = read_fields(args, 2, INBOX)
  local highest, skip_id = read_cursor(f)
  local limit, key = f.limit or 100, ns .. ':inbox:' .. scope
  -- Entries of records that expired leave only when the next outcome comes.
  local unseen = redis.call('ZCOUNT', key, '(' .. digits(now() - global_policy(ns).retention), '+inf')
  local out, bytes = {'', unseen}, 0
  out[1] = each_newest(key, highest, skip_id, function(id)
    if #out - 1 > limit or bytes >= PAGE_BYTES then return true end
    local r = redis.call('HMGET', ns .. ':job:' .. id, 'status', 'seen_at')
    if not FINAL[r[1]] or r[2] then return end
    out[#out + 1] = row_of(ns, id, r[1])
    bytes = bytes + #out[#out][3]
  end)
  return out
end

local function cancel(ns, args)
  local job = load(ns, id_of(args, 'jobcast_cancel'))
  if not job then return {'missing', 0, '', ''} end
  local by = args[2] and name('by', args[2], 64) or 'viewer'
  if FINAL[job.status] then return answer_of('ignored:final', job) end
  if job.cancel then return answer_of('ok', job) end
  local at = now()
  put_command(ns, job, 'cancel')
  if job.status == 'processing' then
    job.cancel = '1'
    -- The supervisor finds out how long it is still left alone.
    if job.stalled then deadline(ns, job, at) end
    save(ns, job, at, {c = true}, by, 'cancel_requested')
  else
    finish(ns, job, 'cancelled', at)
    save(ns, job, at, {s = true, f = true}, by)
  end
  return answer_of('ok', job)
end

local function retry(ns, args)
  local job = load(ns, id_of(args, 'jobcast_retry'))
  if not job then return {'missing', 0, '', ''} end
  local by = args[2] and name('by', args[2], 64) or 'viewer'
  if not FINAL[job.status] or job.status == 'done' or job.retries ~= '1' then return answer_of('ignored:not_offered', job) end
  local at = now()
  local policy = type_policy(ns, job.type)
  job.status = 'pending'
  begin_attempt(job, job.attempt + 1)
  job.error, job.result, job.finished, job.cancel, job.started, job.locked, job.stalled = nil, nil, nil, nil, nil, nil, nil
  put_command(ns, job, 'retry')
  if policy.dispatch then put_work(ns, job, at) end
  deadline(ns, job, at + policy.offered_start_timeout)
  save(ns, job, at, {s = true}, by)
  return answer_of('ok', job)
end

-- An outcome was seen: that of the attempt, if one is named.
local function seen(ns, args)
  local job = load(ns, id_of(args, 'jobcast_seen'))
  if not job then return {'missing', 0, '', ''} end
  local by = args[2] and name('by', args[2], 64) or 'viewer'
  local attempt = args[3] and integer('attempt', args[3], 1, 1000000)
  if not FINAL[job.status] then return answer_of('ignored:not_final', job) end
  if attempt and attempt ~= job.attempt then return answer_of('ignored:stale_attempt', job) end
  if job.seen_at then return answer_of('ok', job) end
  local at = now()
  job.seen_at, job.seen_by = digits(at), by
  save(ns, job, at, {c = true, quiet = true}, by, 'seen')
  return answer_of('ok', job)
end

local function remove(ns, job, at)
  drop_work(ns, job)
  deadline(ns, job, nil)
  if job.gid then
    redis.call('ZREM', ns .. ':expiring', job.id)
    count_in(ns, job.gid, job, at, job.share, false)
  end
  redis.call('DEL', job.key, ns .. ':log:' .. job.id)
end

local DELETE = {}

local function delete(ns, args)
  local job = load(ns, id_of(args, 'jobcast_delete'))
  local f = read_fields(args, 2, DELETE)
  if not job then return {'missing'} end
  if forbids(f, job) then return {'forbidden', 0, ''} end
  remove(ns, job, now())
  redis.call('DEL', ns .. ':trace:' .. job.id)
  local scope = scope_of(job)
  if scope then
    redis.call('ZREM', ns .. ':owner:' .. scope, job.id)
    redis.call('ZREM', ns .. ':inbox:' .. scope, job.id)
  end
  publish(ns, job.id, scope, '0', 'd', 'null')
  return {'ok'}
end

local function lease(ns, args)
  local key = ns .. ':lease:' .. name('name', args[1] or '', 64)
  local holder = name('holder', args[2] or '', 128)
  local ttl = integer('ttl_ms', args[3] or '', 0, 3600000)
  local has = redis.call('GET', key)
  if has and has ~= holder then return 0 end
  if ttl == 0 then
    redis.call('DEL', key)
    return 0
  end
  redis.call('SET', key, holder, 'PX', tostring(ttl))
  return 1
end

---------------------------------------------------------------------------------------------------------- supervisor
-- What becomes of jobs nobody reports on. Any gateway may call it at any time: each deadline is handled once, and handling it
-- sets the next one. It stops after 5 ms, so that reports are not held up.

local function fail(ns, job, at, said)
  finish(ns, job, 'failed', at, failure(ns, job, said, at, true))
  save(ns, job, at, {s = true, f = true}, 'supervisor')
end

local function cancelled(ns, job, at)
  finish(ns, job, 'cancelled', at)
  save(ns, job, at, {s = true, f = true}, 'supervisor')
end

local function silence(job, at)
  local seconds = math.floor((at - tonumber(job.locked or at)) / 1000)
  return 'Nothing was heard from it for ' .. (seconds < 120 and digits(seconds) .. ' s' or digits(math.floor(seconds / 60)) .. ' min') .. '.'
end

local function stalled_error(job, at)
  return {code = 'stalled', title = 'The worker stopped responding', detail = silence(job, at), severity = 'high',
    action = job.retries == '1' and 'Try again. If it happens again, tell support.' or 'Start the job again. If it happens again, tell support.'}
end

-- How long a stalled job is left alone, or nil: for ever. One that is to be cancelled never is: its worker cannot obey.
local function patience(job, policy)
  if policy.on_stall ~= 'flag' then return policy.grace end
  return job.cancel and (policy.grace > 0 and policy.grace or tonumber(job.lease)) or nil
end

local function lease_ended(ns, job, at, policy, counts)
  job.stalled = digits(at)
  local left_alone = patience(job, policy)
  deadline(ns, job, left_alone and at + left_alone)
  counts.stalled = counts.stalled + 1
  save(ns, job, at, {c = true}, 'supervisor', 'stalled')
end

local function grace_ended(ns, job, at, policy, counts)
  local left_alone = patience(job, policy)
  if not left_alone then return deadline(ns, job, nil) end
  local due = tonumber(job.stalled) + left_alone
  if due > at then return deadline(ns, job, due) end
  if job.cancel then
    cancelled(ns, job, at)
  elseif policy.on_stall == 'retry' and job.attempt < job.max then
    job.error = failure(ns, job, stalled_error(job, at), at, false)
    retry_later(ns, job, at, nil)
    offer(ns, job, at, policy)
    counts.requeued = counts.requeued + 1
    save(ns, job, at, {s = true}, 'supervisor', 'requeued')
  else
    counts.failed = counts.failed + 1
    fail(ns, job, at, stalled_error(job, at))
  end
end

-- Whether a worker took the entry of a job that never began: `waiting` if none has read it, `held` if one has it in its
-- group's list of pending entries and may yet claim it, `lost` if it was read and is held by nobody.
local function fate_of_work(ns, job)
  local stream, id = work_of(ns, job)
  if #redis.call('XRANGE', stream, id, id) == 0 then return 'lost' end
  local fate = 'waiting'
  for _, group in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
    local g = {}
    for i = 1, #group, 2 do g[group[i]] = group[i + 1] end
    if not is_before(g['last-delivered-id'], id) then
      if g.pending > 0 and #redis.call('XPENDING', stream, g.name, id, id, '1') > 0 then return 'held' end
      fate = 'lost'
    end
  end
  return fate
end

-- Nobody began it in time. One whose worker died with it is given to another, if its type has stalled jobs tried again; one
-- that nobody has taken fails only if its type says how long it may wait.
local function not_started(ns, job, at, policy, counts)
  local fate = job.work and fate_of_work(ns, job)
  if fate == 'waiting' and policy.start_timeout == 0 then return deadline(ns, job, at + policy.offered_start_timeout) end
  if fate == 'lost' and policy.on_stall == 'retry' and job.attempt < job.max then
    job.error = failure(ns, job, {code = 'not_started', title = 'The worker that took the job did not begin it'}, at, false)
    retry_later(ns, job, at, nil)
    offer(ns, job, at, policy)
    counts.requeued = counts.requeued + 1
    return save(ns, job, at, {s = true}, 'supervisor', 'requeued')
  end
  counts.failed = counts.failed + 1
  fail(ns, job, at, {code = 'not_started', title = 'The job was not started in time', detail = 'No worker was free to begin it, or none is running.',
    action = job.retries == '1' and 'Try again later. If it happens again, tell support.' or 'Start the job again later. If it happens again, tell support.',
    severity = 'high'})
end

local function overdue(ns, id, at, policy_of, counts)
  local job = load(ns, id)
  if not job or FINAL[job.status] then return redis.call('ZREM', ns .. ':deadlines', id) end
  if job.status == 'processing' then
    if job.stalled then return grace_ended(ns, job, at, policy_of(job.type), counts) end
    local ends = tonumber(job.locked) + tonumber(job.lease)
    if ends > at then return deadline(ns, job, ends) end
    return lease_ended(ns, job, at, policy_of(job.type), counts)
  end
  if job.cancel then return cancelled(ns, job, at) end
  if not job.retry_at then return not_started(ns, job, at, policy_of(job.type), counts) end
  if tonumber(job.retry_at) > at then return deadline(ns, job, job.retry_at) end
  offer(ns, job, at, policy_of(job.type))
  save(ns, job, at, {c = true, quiet = true}, 'supervisor', 'queued')
end

-- The record of an unfinished job of a batch has lived its time.
local function expired(ns, id, at)
  local job = load(ns, id)
  if not job or FINAL[job.status] or not job.gid then return redis.call('ZREM', ns .. ':expiring', id) end
  if tonumber(job.expires) > at then return redis.call('ZADD', ns .. ':expiring', job.expires, id) end
  remove(ns, job, at)
end

local function supervise(ns, args)
  local limit = integer('limit', args[1] or '', 1, 100000)
  if args[2] and args[2] ~= 'counts' then refuse('limit', 'nothing but counts may follow it') end
  local begun = microseconds()
  local at = math.floor(begun / 1000)
  local counts = {stalled = 0, requeued = 0, failed = 0}
  local policies = {}
  local function policy_of(type)
    policies[type] = policies[type] or type_policy(ns, type)
    return policies[type]
  end
  local handled, late = 0, false
  open_rollups = {}
  local function each_due(key, handle)
    while handled < limit and not late do
      local due = redis.call('ZRANGEBYSCORE', key, '-inf', digits(at), 'LIMIT', '0', tostring(math.min(64, limit - handled)))
      if #due == 0 then break end
      for _, id in ipairs(due) do
        local ok, problem = pcall(handle, ns, id, at, policy_of, counts)
        if not ok then
          -- One job that cannot be handled must not keep the others from it.
          redis.log(redis.LOG_WARNING, 'jobcast: the deadline of job ' .. id .. ' failed: ' .. tostring(type(problem) == 'table' and problem.err or problem))
          redis.call('ZADD', key, digits(at + 60000), id)
        end
        handled = handled + 1
        late = microseconds() - begun > AT_A_TIME_US
        if late then break end
      end
    end
  end
  local ok, problem = pcall(function()
    each_due(ns .. ':deadlines', overdue)
    each_due(ns .. ':expiring', expired)
  end)
  save_open_rollups(ns, at)
  if not ok then error(problem, 0) end
  local left = redis.call('ZCOUNT', ns .. ':deadlines', '-inf', digits(at)) + redis.call('ZCOUNT', ns .. ':expiring', '-inf', digits(at))
  if args[2] then return {left, counts.stalled, counts.requeued, counts.failed} end
  return left
end

redis.register_function('jobcast_report', entry('jobcast_report', report))
redis.register_function('jobcast_heartbeat', entry('jobcast_heartbeat', heartbeat))
redis.register_function('jobcast_create', entry('jobcast_create', create))
redis.register_function('jobcast_cancel', entry('jobcast_cancel', cancel))
redis.register_function('jobcast_retry', entry('jobcast_retry', retry))
redis.register_function('jobcast_seen', entry('jobcast_seen', seen))
redis.register_function('jobcast_delete', entry('jobcast_delete', delete))
redis.register_function('jobcast_supervise', entry('jobcast_supervise', supervise))
redis.register_function('jobcast_lease', entry('jobcast_lease', lease))
redis.register_function{function_name = 'jobcast_get', callback = entry('jobcast_get', get), flags = {'no-writes'}}
redis.register_function{function_name = 'jobcast_list', callback = entry('jobcast_list', list), flags = {'no-writes'}}
redis.register_function{function_name = 'jobcast_inbox', callback = entry('jobcast_inbox', inbox), flags = {'no-writes'}}
redis.register_function{function_name = 'jobcast_version', callback = function() return VERSION end, flags = {'no-writes'}}

------------------------------------------------------------------------------------------------------------- notifier
-- Outcomes to tell by webhook and e-mail (docs/functions.md, "Notifier"). A delivery is one outcome on one channel. It is
-- made when its outcome is taken from ns:finished, and waits in a sorted set of its channel; claiming it moves its due time
-- behind a lease, so that it comes up again by itself if the gateway that claimed it dies.

local notify = {GROUP = 'notify', BATCH = 25, ORPHANED = 3600000}

function notify.due(ns, channel) return ns .. ':notify:due:' .. channel end
function notify.delivery(ns, id) return ns .. ':notify:delivery:' .. id end
function notify.channel_of(id) return string.match(id, '^[^/]*') end

-- The receivers that jobs name share sixteen channels, by host: one that hangs fills its own, and holds up few others.
function notify.shared(url)
  local host = string.lower(string.match(url, '^%a+://([^/?#]*)') or url)
  return 'webhook.' .. string.sub(redis.sha1hex(host), 1, 1)
end

function notify.is_shared(channel) return string.find(channel, '^webhook') ~= nil end

-- Makes a delivery a dead letter; the oldest beyond `keep` are dropped.
function notify.bury(ns, id, at, keep, why, endpoint)
  local dead = ns .. ':notify:dead'
  redis.call('ZREM', notify.due(ns, notify.channel_of(id)), id)
  redis.call('HSET', notify.delivery(ns, id), 'error', why, 'died', digits(at), 'endpoint', endpoint or '')
  redis.call('ZADD', dead, digits(at), id)
  for _, oldest in ipairs(redis.call('ZRANGE', dead, '0', tostring(-keep - 1))) do
    redis.call('ZREM', dead, oldest)
    redis.call('DEL', notify.delivery(ns, oldest))
  end
end

notify.EXPIRED = 'the record had expired before it could be sent'

-- Of an outcome at `finished`: its record is gone since it lived its time, not since it was deleted.
function notify.expired(ns, finished, at)
  return at >= tonumber(finished) + global_policy(ns).retention
end

-- `call`: what a poll asks for, with `channels` by name. A channel that has no room for another delivery makes it a dead letter,
-- as one whose record has gone (`gone`).
function notify.queue(ns, call, channel, to, outcome, due, gone)
  local id = table.concat({channel, outcome.attempt, outcome.status, outcome.created, outcome.id}, '/')
  redis.call('HSET', notify.delivery(ns, id), 'job', outcome.id, 'attempt', outcome.attempt, 'status', outcome.status, 'type', outcome.type,
    'created', outcome.created, 'finished', outcome.at, 'to', to, 'tries', '0', 'claims', '0')
  redis.call('SADD', ns .. ':notify:channels', channel)
  local full = redis.call('ZCARD', notify.due(ns, channel)) >= call.room
  if not gone and not full then return redis.call('ZADD', notify.due(ns, channel), digits(due), id) end
  notify.bury(ns, id, call.at, call.keep, gone and notify.EXPIRED or 'more than ' .. digits(call.room) .. ' notifications were waiting on this channel')
  local counted = call.by_name[channel]
  if counted then counted.buried = counted.buried + 1 end
end

-- Makes the deliveries of one entry of ns:finished. `notified` in the job's hash holds the attempt whose outcome was taken, so
-- that an entry read twice (the group was made anew) makes none twice.
function notify.take(ns, entry, call)
  local outcome = {}
  for i = 1, #entry, 2 do outcome[entry[i]] = entry[i + 1] end
  if not outcome.id then return end
  local key = ns .. ':job:' .. outcome.id
  local job = redis.call('HMGET', key, 'status', 'attempt', 'created', 'error', 'notify', 'notified')
  local gone = not job[1] and notify.expired(ns, outcome.at, call.at)
  if not gone and (job[1] ~= outcome.status or job[2] ~= outcome.attempt or job[6] == outcome.attempt) then return end
  outcome.created = job[3] or '0'
  local failure = job[4] and cjson.decode(job[4]) or {}
  local due = tonumber(outcome.at) + (failure.severity == 'high' and 0 or call.grace)
  local any = false
  for _, channel in ipairs(call.channels) do
    if string.find(channel.name, '^hook%.') then
      any = true
      notify.queue(ns, call, channel.name, '', outcome, due, gone)
    end
  end
  local ok, asked = pcall(cjson.decode, job[5] or 'null')
  for _, name in ipairs({'webhook', 'email'}) do
    if ok and type(asked) == 'table' and type(asked[name]) == 'string' then
      any = true
      local shared = name == 'webhook' and notify.shared(asked[name])
      -- Gateways before 1.5 know but one channel for all of these.
      notify.queue(ns, call, shared and call.by_name[shared] and shared or name, asked[name], outcome, due)
    end
  end
  if any and not gone then redis.call('HSET', key, 'notified', outcome.attempt) end
end

-- Trims ns:finished to what every consumer group has acknowledged. Whole nodes only: exact trimming would copy the last one
-- each time.
function notify.trim(ns)
  local stream, lowest = ns .. ':finished', nil
  for _, group in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
    local g = {}
    for i = 1, #group, 2 do g[group[i]] = group[i + 1] end
    local upto = g['last-delivered-id']
    if g.pending > 0 then upto = redis.call('XPENDING', stream, g.name)[2] end
    if not lowest or is_before(upto, lowest) then lowest = upto end
  end
  if lowest then redis.call('XTRIM', stream, 'MINID', '~', lowest) end
end

-- Answers whether there may be more to take.
function notify.take_new(ns, call)
  local stream = ns .. ':finished'
  local read = {'XREADGROUP', 'GROUP', notify.GROUP, 'gateways', 'NOACK', 'COUNT', tostring(notify.BATCH), 'STREAMS', stream, '>'}
  local new = redis.pcall(unpack(read))
  if new and new.err then
    if not string.find(new.err, 'NOGROUP', 1, true) then error(new) end
    -- The first notifier of an older installation tells what ended in the last hour, not everything that ever did.
    redis.call('XGROUP', 'CREATE', stream, notify.GROUP, digits(call.at - 3600000), 'MKSTREAM')
    new = redis.call(unpack(read))
  end
  local entries = new and new[1] and new[1][2] or {}
  for _, entry in ipairs(entries) do notify.take(ns, entry[2], call) end
  if #entries > 0 then notify.trim(ns) end
  return #entries == notify.BATCH
end

function notify.forget(ns, id)
  redis.call('ZREM', notify.due(ns, notify.channel_of(id)), id)
  redis.call('DEL', notify.delivery(ns, id))
end

-- Whether a delivery is still wanted, decided once, when its grace is over: nil if it is, else why not: `seen`, `expired` (it is,
-- but the record is gone), or `gone` (the job was reopened or deleted). Keeps the record, so that every try sends the same.
function notify.unwanted(ns, id, d, at)
  if d.doc then return nil end
  if not d.job then return 'gone' end
  local job = redis.call('HMGET', ns .. ':job:' .. d.job, 'status', 'attempt', 'created', 'seen_at', 'doc')
  if job[3] ~= d.created then return notify.expired(ns, d.finished, at) and 'expired' or 'gone' end
  if job[1] ~= d.status or job[2] ~= d.attempt then return 'gone' end
  if job[4] then return 'seen' end
  d.doc = job[5]
  redis.call('HSET', notify.delivery(ns, id), 'doc', d.doc)
  return nil
end

function notify.read(ns, id)
  local names = {'job', 'attempt', 'status', 'type', 'created', 'finished', 'to', 'tries', 'claims', 'doc'}
  local values, d = redis.call('HMGET', notify.delivery(ns, id), unpack(names)), {}
  for i, field in ipairs(names) do d[field] = values[i] or nil end
  return d
end

-- Claims what is due. Answers [channel, how many were seen, how many were buried, [delivery, ...], 1 if there may be more].
function notify.claim(ns, channel, at, lease, keep)
  local claimed, seen, buried, looked = {}, 0, channel.buried, 0
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', notify.due(ns, channel.name), '-inf', digits(at), 'LIMIT', '0', tostring(channel.limit))) do
    looked = looked + 1
    local d = notify.read(ns, id)
    local endpoint = notify.is_shared(channel.name) and redis.sha1hex(d.to or '') or channel.endpoint
    local unwanted = notify.unwanted(ns, id, d, at)
    if unwanted == 'expired' then
      notify.bury(ns, id, at, keep, notify.EXPIRED)
      buried = buried + 1
    elseif unwanted then
      notify.forget(ns, id)
      if unwanted == 'seen' then seen = seen + 1 end
    elseif endpoint ~= '' and redis.call('ZSCORE', ns .. ':notify:disabled', endpoint) then
      notify.bury(ns, id, at, keep, 'the endpoint is disabled since it answered 410 Gone', endpoint)
      buried = buried + 1
    else
      redis.call('ZADD', notify.due(ns, channel.name), digits(at + lease), id)
      redis.call('HSET', notify.delivery(ns, id), 'tries', digits(d.tries + 1), 'claims', digits(d.claims + 1))
      claimed[#claimed + 1] = {id, d.claims + 1, d.tries + 1, d.to, d.job, d.attempt, d.status, d.type, d.created, d.finished, d.doc}
    end
  end
  return {channel.name, seen, buried, claimed, looked == channel.limit and 1 or 0}
end

-- Deliveries of a webhook that was taken out of the configuration. Only after a while, since another gateway may know it.
function notify.bury_orphans(ns, at, keep, channels)
  local known = {}
  for _, channel in ipairs(channels) do known[channel.name] = true end
  for _, name in ipairs(redis.call('SMEMBERS', ns .. ':notify:channels')) do
    if not known[name] then
      local key = notify.due(ns, name)
      for _, id in ipairs(redis.call('ZRANGEBYSCORE', key, '-inf', digits(at - notify.ORPHANED), 'LIMIT', '0', tostring(notify.BATCH))) do
        local unwanted = notify.unwanted(ns, id, notify.read(ns, id), at)
        if unwanted and unwanted ~= 'expired' then
          notify.forget(ns, id)
        else
          notify.bury(ns, id, at, keep, 'no gateway is configured with this webhook any more')
        end
      end
      if redis.call('EXISTS', key) == 0 then redis.call('SREM', ns .. ':notify:channels', name) end
    end
  end
end

function notify.poll(ns, args)
  local grace = integer('grace_ms', args[1] or '', 0, MAX_TIME)
  local lease = integer('lease_ms', args[2] or '', 1, 86400000)
  local keep = integer('keep', args[3] or '', 0, 1000000)
  -- Gateways before 1.4 do not say how many may wait.
  local first = args[4] and string.find(args[4], '^%d+$') and 5 or 4
  local room = first == 5 and integer('room', args[4], 1, 10000000) or 10000000
  local channels, by_name = {}, {}
  for i = first, #args, 3 do
    local channel = {name = name('channel', args[i], 96), limit = integer('limit', args[i + 1] or '', 0, 10000), endpoint = args[i + 2] or '', buried = 0}
    channels[#channels + 1], by_name[channel.name] = channel, channel
  end
  local at = now()
  local call = {at = at, grace = grace, keep = keep, room = room, channels = channels, by_name = by_name}
  local wait = notify.take_new(ns, call) and 0 or -1
  notify.bury_orphans(ns, at, keep, channels)
  local out = {0}
  for _, channel in ipairs(channels) do
    if channel.limit > 0 or channel.buried > 0 then
      local batch = notify.claim(ns, channel, at, lease, keep)
      out[#out + 1] = batch
      -- With its room used up, a channel waits for a try to end rather than for a time.
      local first = #batch[4] < channel.limit and redis.call('ZRANGE', notify.due(ns, channel.name), '0', '0', 'WITHSCORES') or {}
      if first[2] then
        local left = math.max(0, tonumber(first[2]) - at)
        if wait < 0 or left < wait then wait = left end
      end
    end
  end
  out[1] = wait
  return out
end

-- What became of a claimed delivery: `sent`, `retry delay_ms error`, `dead keep error`, or `disable keep error endpoint` (the
-- endpoint of a webhook that the job named is its URL). That it arrived is believed from anyone; anything else only from who
-- holds the newest claim.
function notify.settle(ns, args)
  local id, claim, what = args[1] or '', args[2] or '', one_of('what', args[3] or '', {'sent', 'retry', 'dead', 'disable'})
  local key, channel, at = notify.delivery(ns, id), notify.channel_of(id), now()
  local has = redis.call('HMGET', key, 'claims', 'died', 'to')
  if not has[1] or what ~= 'sent' and (has[2] or has[1] ~= claim) then return 'stale' end
  if what == 'sent' then
    notify.forget(ns, id)
    redis.call('ZREM', ns .. ':notify:dead', id)
    return 'ok'
  end
  local amount, why = integer('amount', args[4] or '', 0, MAX_TIME), repaired(args[5] or '')
  if what == 'retry' then
    redis.call('ZADD', notify.due(ns, channel), digits(at + amount), id)
    redis.call('HSET', key, 'error', why)
  elseif what == 'dead' then
    notify.bury(ns, id, at, amount, why)
  else
    local endpoint = notify.is_shared(channel) and redis.sha1hex(has[3]) or args[6] or ''
    notify.bury(ns, id, at, amount, why, endpoint)
    redis.call('ZADD', ns .. ':notify:disabled', digits(at), endpoint)
    redis.call('ZREMRANGEBYRANK', ns .. ':notify:disabled', '0', '-10001')
  end
  return 'ok'
end

function notify.list(ns, args)
  local first = integer('first', args[1] or '', 0, 1000000)
  local count = integer('count', args[2] or '', 1, 1000)
  local waiting, rows = 0, {}
  for _, channel in ipairs(redis.call('SMEMBERS', ns .. ':notify:channels')) do
    waiting = waiting + redis.call('ZCARD', notify.due(ns, channel))
  end
  for _, id in ipairs(redis.call('ZREVRANGE', ns .. ':notify:dead', tostring(first), tostring(first + count - 1))) do
    local d = redis.call('HMGET', notify.delivery(ns, id), 'died', 'tries', 'to', 'error')
    rows[#rows + 1] = {id, d[1] or '0', d[2] or '0', d[3] or '', d[4] or ''}
  end
  return {waiting, redis.call('ZCARD', ns .. ':notify:dead'), rows}
end

-- Calls `with` for each dead letter that is named, or for the oldest of all if that is `*`. Answers how many.
function notify.each_dead(ns, args, with)
  local dead, done = ns .. ':notify:dead', 0
  local ids = args
  if args[1] == '*' then ids = redis.call('ZRANGE', dead, '0', '999') end
  for _, id in ipairs(ids) do
    if redis.call('ZREM', dead, id) == 1 then
      done = done + 1
      with(id)
    end
  end
  return done
end

function notify.replay(ns, args)
  local at = now()
  return notify.each_dead(ns, args, function(id)
    local key, channel = notify.delivery(ns, id), notify.channel_of(id)
    local endpoint = redis.call('HGET', key, 'endpoint')
    if endpoint and endpoint ~= '' then redis.call('ZREM', ns .. ':notify:disabled', endpoint) end
    redis.call('HDEL', key, 'died', 'endpoint', 'error')
    redis.call('HSET', key, 'tries', '0')
    redis.call('ZADD', notify.due(ns, channel), digits(at), id)
    redis.call('SADD', ns .. ':notify:channels', channel)
  end)
end

function notify.drop(ns, args)
  return notify.each_dead(ns, args, function(id) redis.call('DEL', notify.delivery(ns, id)) end)
end

redis.register_function('jobcast_notify_poll', entry('jobcast_notify_poll', notify.poll))
redis.register_function('jobcast_notify_settle', entry('jobcast_notify_settle', notify.settle))
redis.register_function('jobcast_notify_replay', entry('jobcast_notify_replay', notify.replay))
redis.register_function('jobcast_notify_drop', entry('jobcast_notify_drop', notify.drop))
redis.register_function{function_name = 'jobcast_notify_list', callback = entry('jobcast_notify_list', notify.list), flags = {'no-writes'}}
