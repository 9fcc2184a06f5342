-- What users and operators ask for: jobcast_cancel, jobcast_retry, jobcast_seen, jobcast_delete.
local command = {} do

function command.cancel(ns, args)
  local job = record.load(ns, entry.id(args, 'jobcast_cancel'))
  if not job then return {'missing', 0, '', ''} end
  local by = args[2] and values.name('by', args[2], 64) or 'viewer'
  if FINAL[job.status] then return entry.answer('ignored:final', job) end
  if job.cancel then return entry.answer('ok', job) end
  local at = clock.now()
  work.put_command(ns, job, 'cancel')
  if job.status == 'processing' then
    job.cancel = '1'
    -- The supervisor finds out how long it is still left alone.
    if job.stalled then keep.deadline(ns, job, at) end
    keep.save(ns, job, at, {c = true}, by, 'cancel_requested')
  else
    transitions.finish(ns, job, 'cancelled', at)
    keep.save(ns, job, at, {s = true, f = true}, by)
  end
  return entry.answer('ok', job)
end

function command.retry(ns, args)
  local job = record.load(ns, entry.id(args, 'jobcast_retry'))
  if not job then return {'missing', 0, '', ''} end
  local by = args[2] and values.name('by', args[2], 64) or 'viewer'
  if not FINAL[job.status] or job.status == 'done' then return entry.answer('ignored:not_offered', job) end
  local refusal = followers.refuse_retry(ns, job)
  if refusal then return entry.answer('ignored:' .. refusal, job) end
  local at = clock.now()
  local policy = policies.of_type(ns, job.type)
  job.status = 'pending'
  transitions.begin_attempt(job, job.attempt + 1)
  job.error, job.result, job.result_omitted, job.finished = nil, nil, nil, nil
  job.cancel, job.started, job.locked, job.stalled = nil, nil, nil, nil
  work.put_command(ns, job, 'retry')
  if policy.dispatch then work.put(ns, job, at) end
  keep.deadline(ns, job, at + policy.offered_start_timeout)
  keep.save(ns, job, at, {s = true}, by)
  return entry.answer('ok', job)
end

-- An outcome was seen: that of the attempt, if one is named.
function command.seen(ns, args)
  local job = record.load(ns, entry.id(args, 'jobcast_seen'))
  if not job then return {'missing', 0, '', ''} end
  local by = args[2] and values.name('by', args[2], 64) or 'viewer'
  local attempt = args[3] and values.integer('attempt', args[3], 1, 1000000)
  if not FINAL[job.status] then return entry.answer('ignored:not_final', job) end
  if attempt and attempt ~= job.attempt then return entry.answer('ignored:stale_attempt', job) end
  if job.seen_at then return entry.answer('ok', job) end
  local at = clock.now()
  job.seen_at, job.seen_by = digits(at), by
  keep.save(ns, job, at, {c = true, quiet = true}, by, 'seen')
  return entry.answer('ok', job)
end

function command.remove(ns, job, at)
  work.drop(ns, job)
  keep.deadline(ns, job, nil)
  if job.gid then
    call('ZREM', ns .. ':expiring', job.id)
    batches.count_in(ns, job.gid, job, at, job.share, false)
  end
  call('DEL', job.key, ns .. ':log:' .. job.id)
end

local DELETE = {}

function command.delete(ns, args)
  local job = record.load(ns, entry.id(args, 'jobcast_delete'))
  local f = fields.read(args, 2, DELETE)
  if not job then return {'missing'} end
  if entry.forbids(f, job) then return {'forbidden', 0, ''} end
  failures.forget_references(ns, job)
  command.remove(ns, job, clock.now())
  call('DEL', ns .. ':trace:' .. job.id)
  local scope = record.scope(job)
  if scope then
    call('ZREM', ns .. ':owner:' .. scope, job.id)
    call('ZREM', ns .. ':inbox:' .. scope, job.id)
  end
  keep.publish(ns, job.id, scope, '0', 'd', 'null')
  return {'ok'}
end

end
