import type { Detector } from '../core/detect.ts';
import { applications } from './applications.ts';
import { containers } from './containers.ts';
import { hardware } from './hardware.ts';
import { languages } from './languages.ts';
import { packages } from './packages.ts';
import { ports } from './ports.ts';
import { projects } from './projects.ts';
import { services } from './services.ts';
import { user } from './user.ts';
import { userPaths } from './user-paths.ts';

/** Every detector, one for an area. */
export const detectors: readonly Detector[] = [
  services,
  applications,
  packages,
  projects,
  languages,
  ports,
  containers,
  userPaths,
  hardware,
  user,
];
