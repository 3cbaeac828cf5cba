namespace Scheduler.Host.Configuration;

/// <summary>Checks TLS of the NBD front end, and that it fits the identities of the guests; and of the admin address.</summary>
/// <param name="reader">Converts values and makes errors.</param>
internal sealed class TlsRules(SettingsReader reader)
{
    public TlsSettings? Check(string key, TlsEntry entry, IReadOnlyList<GuestSettings> guests)
    {
        bool required = reader.Flag(At("required"), entry.Required);
        bool hasCa = !string.IsNullOrEmpty(entry.ClientCa);
        GuestSettings? named = guests.FirstOrDefault(guest => guest.Certificates.Count > 0);
        if (named is not null && !hasCa)
            throw reader.Error(At("client-ca"), $"must be set: guest {named.Name} has certificates, and it says who issues them");
        if (string.IsNullOrEmpty(entry.Certificate))
        {
            string? other = !string.IsNullOrEmpty(entry.Key) ? "key" : hasCa ? "client-ca" : required ? "required" : null;
            return other is null ? null : throw reader.Error(At(other), "needs certificate, the server's own, beside it");
        }

        if (string.IsNullOrEmpty(entry.Key))
            throw reader.Error(At("certificate"), "needs key, its private key, beside it");
        return new TlsSettings(
            reader.FilePath(At("certificate"), entry.Certificate),
            reader.FilePath(At("key"), entry.Key),
            hasCa ? reader.FilePath(At("client-ca"), entry.ClientCa) : null,
            required);

        string At(string member) => SettingsReader.Key(key, member);
    }

    public AdminTlsSettings? Check(string key, AdminTlsEntry entry)
    {
        string certificate = SettingsReader.Key(key, "certificate");
        string privateKey = SettingsReader.Key(key, "key");
        if (string.IsNullOrEmpty(entry.Certificate))
            return string.IsNullOrEmpty(entry.Key) ? null : throw reader.Error(privateKey, "needs certificate, the server's own, beside it");
        return string.IsNullOrEmpty(entry.Key)
            ? throw reader.Error(certificate, "needs key, its private key, beside it")
            : new AdminTlsSettings(reader.FilePath(certificate, entry.Certificate), reader.FilePath(privateKey, entry.Key));
    }
}
