import type { Detector } from '../core/detect.ts';
import { applications } from './applications.ts';
import { packages } from './packages.ts';
import { ports } from './ports.ts';
import { projects } from './projects.ts';
import { services } from './services.ts';

/** Every detector, one for an area. */
export const detectors: readonly Detector[] = [services, applications, packages, projects, ports];
