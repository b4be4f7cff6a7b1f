import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';
import manifest from './package.json' with { type: 'json' };

// In production the API serves the built app, or a proxy sends to it what is the API's: one origin either way.
// The Host stays as the browser sent it, since the API compares it with the origin of the page.
const api = { target: process.env.API_URL ?? 'http://127.0.0.1:3000', changeOrigin: false };
const proxy = { '/api': api, '/health': api, '^/version$': api };

/** Adds /version.json to the build, so that anybody can ask what is being served. */
function versionFile(): Plugin {
  const commit = process.env.GIT_COMMIT ?? process.env.VERCEL_GIT_COMMIT_SHA ?? 'unknown';
  return {
    name: 'version-file',
    generateBundle() {
      const source = `${JSON.stringify({ version: manifest.version, commit })}\n`;
      this.emitFile({ type: 'asset', fileName: 'version.json', source });
    },
  };
}

export default defineConfig({
  plugins: [react(), versionFile()],
  server: { host: '127.0.0.1', port: 5173, proxy },
  preview: { host: '127.0.0.1', port: Number(process.env.PORT ?? 4173), strictPort: true, proxy },
});
