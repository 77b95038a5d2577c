/** Hides the settings of the integration tests' stack from unit tests. */
for (const name of Object.keys(process.env)) if (name.startsWith('SLUICE_')) delete process.env[name];
// The same colours everywhere: none, as on a CI server.
delete process.env.FORCE_COLOR;
process.env.CI = 'true';
