import { test } from 'node:test';

test('is skipped', { skip: 'never runs' }, () => {});
