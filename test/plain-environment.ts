/** Unit tests see none of the settings by which the integration tests find their stack. */
for (const name of Object.keys(process.env)) if (name.startsWith('SLUICE_')) delete process.env[name];
