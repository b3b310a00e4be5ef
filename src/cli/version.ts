/**
 * The version, as in the manifests; a test says so.
 *
 * @module
 */

/** Version of the package. */
export const VERSION = "0.1.0";
