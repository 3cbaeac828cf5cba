namespace Scheduler.Nbd.Tls;

/// <summary>Where a server's TLS identity is, all in PEM.</summary>
/// <param name="Certificate">The server's certificate, followed by those of the CAs between it and the root.</param>
/// <param name="Key">Its private key, not encrypted.</param>
/// <param name="ClientCa">Certificates of the CAs that issue clients' certificates; null: clients need none.</param>
public sealed record TlsFiles(string Certificate, string Key, string? ClientCa);
