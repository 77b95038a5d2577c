/** Hides the settings of the integration tests' stack from unit tests. */
for (const name of Object.keys(process.env)) if (name.startsWith('SLUICE_')) delete process.env[name];
