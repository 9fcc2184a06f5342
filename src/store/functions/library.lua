#!lua name=jobcast
-- The jobcast function library: everything that must be atomic, and the only place where a job's state changes.
-- Contract: docs/functions.md. KEYS[1] is the namespace; every other key is derived from it and shares its slot.
--
-- The build joins the parts in the order of `order.txt`. Each part is one table, and sees the parts before it alone.
-- VERSION is raised by hand with every change: a Redis that holds this version keeps what it has (`library.lock`).

local VERSION = '1.22'

local FINAL = {done = true, failed = true, cancelled = true}
local STATUS_LIST = {'pending', 'processing', 'retrying', 'done', 'failed', 'cancelled'}
local STATUSES = {}
for i = 1, #STATUS_LIST do STATUSES[STATUS_LIST[i]] = true end
local MAX_TIME = 9007199254740991
local YEAR = 31536000000

-- Redis commands and string functions go by these names in every part. Redis has neither while it loads a library, so the
-- first call binds them; and a local is found faster than a member of a global, which counts in a report.
local call, try, pack, unpacked
local byte, find, format, gmatch, gsub, lower, match, sub, upper

local function bind()
  call, try, pack, unpacked = redis.call, redis.pcall, struct.pack, struct.unpack
  byte, find, format, gmatch, gsub = string.byte, string.find, string.format, string.gmatch, string.gsub
  lower, match, sub, upper = string.lower, string.match, string.sub, string.upper
end

-- A number as JSON, without losing digits and without an exponent for what is whole. `%d` takes a sixth of the time of `%.0f`.
local function digits(n)
  if n % 1 == 0 then return format('%d', n) end
  -- Tenths, as percents mostly are.
  if n < 1e9 and n * 10 % 1 == 0 then return format('%.10g', n) end
  local short = format('%.15g', n)
  return tonumber(short) == n and short or format('%.17g', n)
end

-- What the caller did wrong. Raised as a table and turned into an error reply at the entry: `JOBCAST <field>: <what to change>`.
-- The field may be named by the caller, and an error reply is one line that a NUL cuts off.
local function refuse(field, detail)
  field = gsub(sub(field, 1, 80), '[^%w._:-]', '?')
  error({jobcast = 'JOBCAST ' .. field .. ': ' .. detail}, 0)
end

-- What was raised, as text: Redis raises tables, Lua texts.
local function raised(problem)
  return type(problem) == 'table' and (problem.jobcast or problem.err) or tostring(problem)
end
