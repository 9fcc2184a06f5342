// Everything, for pages without modules.

export * from './index.js';
export * from './components/index.js';
