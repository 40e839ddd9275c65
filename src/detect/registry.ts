import type { Detector } from '../core/detect.ts';
import { projects } from './projects.ts';

/** Every detector, one for an area. */
export const detectors: readonly Detector[] = [projects];
