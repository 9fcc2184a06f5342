-- How long an attempt will take, judged by its pace and by what the last jobs of its type took.
local estimate = {} do

-- Milliseconds until an attempt ends, and how far off that may be; nothing if it is anyone's guess. Two estimates: recent
-- jobs of the type (`expected`, `spread`), and the pace of this one. The pace counts the more the further the job is.
local function remaining(elapsed, percent, expected, spread)
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

-- Whether an attempt takes longer than usual: four of five jobs of its type were within `spread` of `expected`, this one is beyond
-- twice that.
local LATE_AT_LEAST = 5000
local function is_late(elapsed, expected, spread)
  return expected and elapsed > expected + math.max(2 * spread, LATE_AT_LEAST)
end

-- The members `eta`, `eta_error` and `late` at `at`: what the worker said, less the time since, as long as that lasts; else estimated.
-- `elapsed`: since the attempt began, or nil. All are numbers or nil, but `at` may be digits.
function estimate.members(at, given, given_at, elapsed, percent, expected, spread)
  local late = elapsed and is_late(elapsed, expected, spread) and ',"late":true' or ''
  if given then
    local rest = given - (at - given_at)
    if rest >= 0 then return ',"eta":' .. digits(rest) .. late end
  end
  if not elapsed then return '' end
  local eta, off = remaining(elapsed, percent, expected, spread)
  if not eta then return late end
  return format(',"eta":%d,"eta_error":%d', eta + 0.5, off + 0.5) .. late
end

-- A ring of what the last jobs of a type took.
local DURATIONS = 32
local DURATIONS_NEEDED = 3
local SLOTS = {}
for i = 1, DURATIONS do SLOTS[i] = (i - 1) .. '' end

function estimate.remember(ns, job)
  local key = ns .. ':durations:' .. job.type
  local n = tonumber(call('HGET', key, 'n') or 0)
  call('HSET', key, SLOTS[n % DURATIONS + 1], digits(job.duration), 'n', digits((n + 1) % DURATIONS))
  call('PEXPIRE', key, job.abandoned)
end

-- Half of them took less than `expected`, four of five were within `spread` of it.
function estimate.expect(ns, job)
  local recent = {}
  for _, one in ipairs(call('HMGET', ns .. ':durations:' .. job.type, unpack(SLOTS))) do
    if one then recent[#recent + 1] = tonumber(one) end
  end
  if #recent < DURATIONS_NEEDED then return end
  table.sort(recent)
  local function at(share) return recent[math.floor(share * (#recent - 1) + 0.5) + 1] end
  local middle = at(0.5)
  job.expected = digits(middle)
  job.spread = digits(math.floor(math.max(at(0.9) - middle, middle - at(0.1), middle / 20)))
end

end
