using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;

namespace Scheduler.Nbd.Tls;

/// <summary>
/// The server's TLS settings, from files that may change while it runs: their times are looked at when a handshake begins, and
/// never in between. New files that are no good are logged once, and the old ones stay in force.
/// </summary>
public sealed partial class ServerTls
{
    /// <summary>TLS client authentication, of the extended key usages.</summary>
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    private readonly TlsFiles _files;
    private readonly ILogger _logger;
    private readonly Lock _lock = new();
    private SslServerAuthenticationOptions _options;
    private FileStamps _stamps;

    /// <summary>Reads the files.</summary>
    /// <param name="files">Where they are.</param>
    /// <param name="logger">Told of changes.</param>
    /// <exception cref="IOException">A file is not there, or not good; the message names it.</exception>
    public ServerTls(TlsFiles files, ILogger logger)
    {
        _files = files;
        _logger = logger;
        _stamps = FileStamps.Of(files);
        _options = Load(files);
    }

    /// <summary>Whether a client has to show a certificate.</summary>
    internal bool NeedsCertificate => _files.ClientCa is not null;

    /// <summary>The settings for a handshake that begins now. Reads files: not on a loop.</summary>
    /// <returns>Settings that don't change any more.</returns>
    public SslServerAuthenticationOptions Current()
    {
        lock (_lock)
        {
            FileStamps stamps = FileStamps.Of(_files);
            if (stamps == _stamps)
                return _options;
            _stamps = stamps;
            try
            {
                _options = Load(_files);
                Reloaded(_logger, _files.Certificate);
            }
            catch (IOException exception)
            {
                NotReloaded(_logger, exception.Message);
            }

            return _options;
        }
    }

    private static SslServerAuthenticationOptions Load(TlsFiles files)
    {
        SslServerAuthenticationOptions options = new()
        {
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            AllowRenegotiation = false,

            // A resumed session would be the client of an older handshake, whatever has become of its certificate.
            AllowTlsResume = false,
            ClientCertificateRequired = files.ClientCa is not null,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        };
        options.ServerCertificateContext = Read(files.Certificate, () =>
        {
            X509Certificate2 certificate = X509Certificate2.CreateFromPemFile(files.Certificate, files.Key);
            X509Certificate2Collection chain = [];
            chain.ImportFromPemFile(files.Certificate);
            chain.RemoveAt(0);
            return SslStreamCertificateContext.Create(certificate, chain, offline: true);
        });
        if (files.ClientCa is not null)
            options.CertificateChainPolicy = Read(files.ClientCa, () => ClientPolicy(files.ClientCa));
        return options;
    }

    private static X509ChainPolicy ClientPolicy(string file)
    {
        X509ChainPolicy policy = new()
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,

            // A client's certificate could name any address to fetch its issuer from.
            DisableCertificateDownloads = true,
        };
        policy.CustomTrustStore.ImportFromPemFile(file);
        if (policy.CustomTrustStore.Count == 0)
            throw new CryptographicException("there is no certificate in it");
        _ = policy.ApplicationPolicy.Add(new Oid(ClientAuthentication));
        return policy;
    }

    private static T Read<T>(string file, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            throw new IOException($"can't use {file} for TLS: {exception.Message}", exception);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "TLS: {Certificate} and what belongs to it was read anew")]
    private static partial void Reloaded(ILogger logger, string certificate);

    [LoggerMessage(Level = LogLevel.Error, Message = "TLS: changed files are no good, and what was read before stays in force: {Reason}")]
    private static partial void NotReloaded(ILogger logger, string reason);

    private readonly record struct FileStamps(FileStamp Certificate, FileStamp Key, FileStamp ClientCa)
    {
        public static FileStamps Of(TlsFiles files) => new(
            FileStamp.Of(files.Certificate), FileStamp.Of(files.Key), files.ClientCa is { } ca ? FileStamp.Of(ca) : default);
    }

    /// <summary>What changes when a file is written or another takes its place.</summary>
    private readonly record struct FileStamp(DateTime Written, long Length)
    {
        public static FileStamp Of(string path)
        {
            FileInfo file = new(path);
            return file.Exists ? new FileStamp(file.LastWriteTimeUtc, file.Length) : default;
        }
    }
}
